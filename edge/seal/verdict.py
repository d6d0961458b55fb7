"""From findings to one verdict. The worst counts: what contradicts, then what nothing speaks for, then what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge.clock import format_utc
from edge.seal.findings import Findings
from edge.seal.order import StreamGap
from edge.seal.signatures import OUR_MANUFACTURER
from edge.seal.stream import StreamReport
from edge.seal.verification import Checks, Counters, Frames, GapFound, Reason, SignedBy, Times, Verdict

_LONGEST_FACT = 1000
SEVERITY: tuple[Verdict, ...] = ("AUTHENTIC", "AUTHENTIC WITH GAPS", "PARTLY VERIFIED", "UNSIGNED", "NOT AUTHENTIC")
"""For several files: the last one found counts."""


def verdict_of(reasons: Iterable[Reason], gaps: Sequence[GapFound], *, signed: bool) -> Verdict:
    """signed: a signature is there, whatever it is worth."""
    effects = {reason.effect for reason in reasons}
    if not signed:
        return "UNSIGNED"
    if "contradicts" in effects:
        return "NOT AUTHENTIC"
    if "unverifiable" in effects:
        return "PARTLY VERIFIED"
    return "AUTHENTIC WITH GAPS" if gaps or "gap" in effects else "AUTHENTIC"


def reasons_of(findings: Findings, file: str = "") -> list[Reason]:
    order = ("contradicts", "unverifiable", "gap", "note")
    found = sorted(findings.found.values(), key=lambda each: order.index(each.effect))
    return [Reason(effect=each.effect, code=each.code, count=each.count, facts=_printable_facts(each.facts), file=file) for each in found]


def _printable_facts(facts: dict[str, str | int]) -> dict[str, str | int]:
    return {key: printable(value, _LONGEST_FACT) if isinstance(value, str) else value for key, value in facts.items()}


def gap_of(gap: StreamGap, file: str = "") -> GapFound:
    start, end = utc_text(gap.start_utc_ns), utc_text(gap.end_utc_ns)
    return GapFound(why=gap.why, start=start, end=end, gops=gap.gops, pictures=gap.pictures, file=file)


def frames_of(report: StreamReport, by_package: int = 0) -> Frames:
    found = report.pictures
    return Frames(
        total=found.total,
        verified=found.verified,
        by_package=by_package,
        altered=found.altered,
        missing=found.missing,
        unverifiable=found.unverifiable - min(by_package, found.unverifiable),
        closing=found.closing if by_package <= found.unverifiable else 0,
    )


def signer_of(report: StreamReport) -> SignedBy | None:
    """None where nothing with a good signature (or a refused certificate) says who it was."""
    told, chain = report.document, report.chain
    if told is None and chain is None:
        return None
    return SignedBy(
        camera=printable(told.serial) if told else "",
        manufacturer=printable(told.manufacturer) if told else "",
        firmware=printable(told.firmware) if told else "",
        subject=chain.subject if chain else "",
        fingerprint=chain.fingerprint if chain else "",
        other_fingerprints=[each for each in report.certificates if chain is None or each != chain.fingerprint],
        trusted=bool(chain and chain.trusted),
        why=chain.why if chain else "",
        not_before=chain.not_before if chain else "",
        not_after=chain.not_after if chain else "",
    )


def times_of(report: StreamReport, zone: str) -> Times:
    return Times(
        first=utc_text(report.first_utc_ns), last=utc_text(report.last_utc_ns), clock="node" if report.first_utc_ns else "", zone=zone
    )


def counters_of(report: StreamReport) -> Counters:
    order = report.order
    return Counters(
        first=report.first_counter,
        last=report.last_counter,
        contiguous=order.contiguous and report.first_counter is not None,
        spans=order.spans,
    )


def checks_of(report: StreamReport) -> Checks:
    return Checks(parameter_sets=report.parameter_sets, timing=report.timing)


def not_proven_of(report: StreamReport, *, package: bool) -> list[str]:
    """What no signature says about this file."""
    found = ["scene", "completeness"] if not package else ["scene"]
    if not package:
        found.append("clock")
    if report.parameter_sets != "match" and not package:
        found.append("parameter_sets")
    if report.timing != "match" and not package:
        found.append("timing")
    if not package:
        found += ["picture_times", "hints"]
    if report.pictures.closing and not package:
        found.append("closing_picture")
    if report.document is not None and report.document.manufacturer != OUR_MANUFACTURER:
        found.append("other_maker")
    return [*found, "revocation"]


def utc_text(utc_ns: int | None) -> str:
    """RFC 3339; "" where unknown or beyond any calendar."""
    if utc_ns is None:
        return ""
    try:
        return format_utc(utc_ns)
    except OverflowError:
        return ""


def printable(text: str, most: int = 200) -> str:
    """What a file says or is called, fit for a terminal and for JSON: no control characters, no direction marks, no halves of characters,
    at most `most` characters."""
    return "".join(each if each.isprintable() else "?" for each in text[:most])
