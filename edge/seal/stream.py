"""What one film says of itself: its pictures against the documents signed in it (ONVIF Media Signing), without any paper beside it."""

from __future__ import annotations

from dataclasses import dataclass

from edge.seal.collect import Collector
from edge.seal.compare import compare
from edge.seal.container import ContainerKind, Film
from edge.seal.findings import Findings
from edge.seal.gops import Gop, Paper
from edge.seal.onvif import Document
from edge.seal.order import Order, StreamGap, judge_order
from edge.seal.parameter_watch import stated_digest
from edge.seal.playback import Step, out_of_place, plays_true
from edge.seal.signers import Signers
from edge.seal.trust import ChainResult, Roots
from edge.seal.verification import Agreement


@dataclass(slots=True)
class Pictures:
    """Access units with coded pictures. missing: named by documents and not there, as far as they can be counted. closing: 1 where the last
    one is not shown, and there only to carry the signature of those before it."""

    total: int = 0
    verified: int = 0
    altered: int = 0
    missing: int = 0
    unverifiable: int = 0
    closing: int = 0


@dataclass(slots=True, kw_only=True)
class StreamReport:
    """document: one with a good signature, for what it says of camera and maker; chain: its certificate's (or one that was refused).
    first, last: UTC ns of the first signed picture and of the last signed GOP's end. tail: pictures behind the last signed GOP.
    hidden: pictures that players are told not to show, but for the closing one.
    certificates: all with good signatures, by fingerprint. parameters: digests (hex) of all parameter sets seen.
    signed: it has signing SEIs, whatever they are worth."""

    container: ContainerKind
    codec: str
    signed: bool
    pictures: Pictures
    gops: int
    gops_verified: int
    idr_proven: int
    tail: int
    hidden: int
    document: Document | None
    chain: ChainResult | None
    certificates: dict[str, ChainResult]
    first_utc_ns: int | None
    last_utc_ns: int | None
    first_counter: int | None
    last_counter: int | None
    order: Order
    parameters: list[str]
    parameter_sets: Agreement
    timing: Agreement
    findings: Findings


def read_stream(name: str, film: Film, roots: Roots | None) -> StreamReport:
    """Raises IntegrityError where the file cannot be read as a film, StorageError."""
    signers = Signers(roots)
    collector = Collector(name, film, signers)
    collector.run(film)
    gops = collector.matching.gops
    order = judge_order(collector.matching)
    findings = collector.findings
    findings.merge(order.findings)
    pictures = _pictures(collector, order)
    documented = [gop for gop in gops if gop.document is not None]
    papers = [gop.document for gop in documented if gop.document is not None]
    if signers.document is not None and roots is None:
        findings.add("unverifiable", "no_trust")
    displaced = out_of_place(gops)
    if displaced is not None:
        findings.add("contradicts", "shown_out_of_place", gop=displaced.number)
    if collector.seis and not pictures.verified:
        findings.add("unverifiable", "nothing_verified")
    hidden = collector.hidden - pictures.closing
    if hidden:
        findings.add("note", "hidden_by_edit", pictures=hidden)
    return StreamReport(
        container=film.container,
        codec=film.codec,
        signed=collector.seis > 0,
        pictures=pictures,
        gops=len(gops),
        gops_verified=sum(gop.exact for gop in documented),
        idr_proven=sum(gop.idr_proven for gop in gops if gop.document is None),
        tail=_tail(gops),
        hidden=hidden,
        document=signers.document,
        chain=signers.chain or signers.refused,
        certificates=signers.certificates,
        first_utc_ns=papers[0].start_utc_ns if papers else None,
        last_utc_ns=papers[-1].end_utc_ns if papers else None,
        first_counter=papers[0].counter if papers else None,
        last_counter=papers[-1].counter if papers else None,
        order=order,
        parameters=list(collector.parameters.seen.values()),
        parameter_sets=_parameter_sets(collector, documented),
        timing=_timing(collector, order),
        findings=findings,
    )


def _pictures(collector: Collector, order: Order) -> Pictures:
    total = Pictures(total=collector.pictures, unverifiable=collector.orphans)
    for gop in collector.matching.gops:
        if collector.is_closing(gop):
            total.closing = 1
            continue
        if gop.document is None:
            total.altered += gop.idr_altered
            total.unverifiable += gop.pictures - gop.idr_altered
            continue
        found = compare(gop)
        total.verified += found.verified
        total.altered += found.altered
        total.missing += found.missing
        total.unverifiable += found.unverifiable
        if found.altered:
            collector.findings.add("contradicts", "picture_altered", count=found.altered, gop=gop.number, counter=gop.document.counter)
        if found.missing:
            order.gap(_gap_in(gop.document, found.missing))
    if total.unverifiable == 1 and _ends_with_closing(collector.matching.gops):
        collector.findings.add("unverifiable", "last_picture_uncovered")
    elif total.unverifiable:
        collector.findings.add("unverifiable", "pictures_unverifiable", count=total.unverifiable)
    return total


def _ends_with_closing(gops: list[Gop]) -> bool:
    """With one picture behind a signed GOP, which carries that GOP's document and is shown."""
    return len(gops) > 1 and gops[-1].pictures == 1 and gops[-1].document is None and gops[-2].document is not None


def _gap_in(paper: Paper, pictures: int) -> StreamGap:
    return StreamGap("pictures_missing", paper.start_utc_ns, paper.end_utc_ns, pictures=pictures)


def _tail(gops: list[Gop]) -> int:
    pictures = 0
    for gop in reversed(gops):
        if gop.document is not None:
            return pictures
        pictures += gop.pictures
    return pictures


def _parameter_sets(collector: Collector, documented: list[Gop]) -> Agreement:
    """Against what the signatures say of them; where they say nothing, against each other."""
    watch, findings = collector.parameters, collector.findings
    stated = {digest for gop in documented if gop.document and (digest := stated_digest(gop.document.firmware))}
    if not stated:
        if len(watch.seen) > 1 or watch.strays:
            findings.add("unverifiable", "parameter_sets_differ", forms=len(watch.seen))
        return "not_signed"
    if not watch.seen:
        findings.add("unverifiable", "parameter_sets_absent")
        return "not_checked"
    wrong = [gop for gop in documented if gop.document and stated_digest(gop.document.firmware) not in ("", gop.params)]
    if wrong or watch.strays or not stated.issuperset(watch.seen):
        findings.add("contradicts", "parameter_sets_changed", gop=wrong[0].number if wrong else 0)
        return "differs"
    return "match"


def _timing(collector: Collector, order: Order) -> Agreement:
    gops = collector.matching.gops
    checked = False
    for run in order.runs:
        steps = [step for step in (_step(gop, gops, collector, last=gop is run[-1]) for gop in run) if step is not None]
        if not steps:
            continue
        checked = True
        if not plays_true(steps):
            signed, played = (sum(each) // 1_000_000 for each in zip(*((step.signed_ns, step.played_ns) for step in steps), strict=True))
            collector.findings.add("contradicts", "playback_speed", signed_ms=signed, played_ms=played)
    if not checked:
        return "not_checked"
    return "differs" if "playback_speed" in collector.findings.found else "match"


def _step(gop: Gop, gops: list[Gop], collector: Collector, *, last: bool) -> Step | None:
    """None where its end is not in the file: what follows it there is not what followed it when it was recorded."""
    paper = gop.document
    if paper is None or paper.start_utc_ns is None or paper.end_utc_ns is None or gop.pts_ns is None:
        return None
    following = gops[gop.number + 1] if gop.number + 1 < len(gops) else None
    if following is None:
        end_ns = collector.last_end_ns
    elif last and following.document is not None:
        return None
    else:
        end_ns = following.pts_ns
    signed_ns = paper.end_utc_ns - paper.start_utc_ns
    return Step(signed_ns, end_ns - gop.pts_ns) if end_ns is not None and signed_ns > 0 else None
