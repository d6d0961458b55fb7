"""The order of what a file holds: which GOPs follow each other by signature, what is missing between them, and what cannot be.

Counters count GOPs of a span, links name the GOP before, times tell how long a gap is. Between two documents there may be as many GOPs
without one as counters are missing, and no more: one more was put in, or is a GOP whose IDR picture was changed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from edge.seal.compare import has_slices_of
from edge.seal.findings import Findings
from edge.seal.gops import Gop, Matching, Paper
from edge.seal.onvif import FIRST_LINK
from edge.seal.time_holes import SLACK_NS, lasting_jumps

GapWhy = Literal["gops_missing", "pictures_missing", "other_span", "time_hole", "clock_set_back"]
MOST_GAPS = 1000


@dataclass(frozen=True, slots=True)
class StreamGap:
    """start, end: UTC ns as signed, None where not known. gops, pictures: how many are missing, 0 where not known."""

    why: GapWhy
    start_utc_ns: int | None
    end_utc_ns: int | None
    gops: int = 0
    pictures: int = 0


@dataclass(slots=True)
class Order:
    """runs: stretches of GOPs that follow each other without a hole, as signed. missing_gops: between the first and the last one.
    contiguous: no counter is missing and no span ends in between."""

    findings: Findings = field(default_factory=Findings)
    gaps: list[StreamGap] = field(default_factory=list)
    runs: list[list[Gop]] = field(default_factory=list)
    missing_gops: int = 0
    spans: int = 0
    contiguous: bool = True

    def gap(self, gap: StreamGap) -> None:
        self.missing_gops += gap.gops
        if len(self.gaps) < MOST_GAPS:
            self.gaps.append(gap)


def judge_order(matching: Matching) -> Order:
    walk = _Walk()
    for paper, gop in _in_order(matching):
        if paper is None:
            assert gop is not None
            walk.waiting.append(gop)
        else:
            walk.documented(paper)
    _find_altered(matching, walk)
    walk.order.runs = [part for run in walk.order.runs for part in _parts(run, walk.order)]
    return walk.order


def _parts(run: list[Gop], order: Order) -> list[list[Gop]]:
    """A run, cut where its signed times jump."""
    parts, begun = [], 0
    for place, jump_ns in lasting_jumps(run):
        before, after = run[place - 1].document, run[place].document
        assert before is not None
        assert after is not None
        order.gap(StreamGap("time_hole" if jump_ns > 0 else "clock_set_back", before.end_utc_ns, after.start_utc_ns))
        parts.append(run[begun:place])
        begun = place
    return [*parts, run[begun:]]


def _in_order(matching: Matching) -> list[tuple[Paper | None, Gop | None]]:
    """GOPs with their documents, and each document whose GOP is not there where that should be."""
    lags = Counter(paper.begun - 1 - paper.gop.number for paper in matching.papers if paper.gop is not None)
    lag = max(0, min(1, lags.most_common(1)[0][0])) if lags else 0
    lost: dict[int, list[Paper]] = {}
    for paper in matching.papers:
        if paper.gop is None and not paper.partial:
            lost.setdefault(_place(matching, paper, max(0, paper.begun - lag)), []).append(paper)
    found: list[tuple[Paper | None, Gop | None]] = []
    for place in range(len(matching.gops) + 1):
        found += [(paper, None) for paper in lost.get(place, ())]
        if place < len(matching.gops):
            gop = matching.gops[place]
            found.append((gop.document, gop))
    return found


def _place(matching: Matching, paper: Paper, place: int) -> int:
    """Where a document belongs whose GOP is not there: in front of the GOP whose document links to it, or behind one of which it lists
    slices (a stream's last document may come within its own GOP); else at `place`."""
    for gop in matching.gops[max(0, paper.begun - 2) : paper.begun]:
        if gop.document is not None and paper.anchor and gop.document.link == paper.anchor:
            return gop.number
    for gop in matching.gops[place : paper.begun]:
        if gop.document is None and has_slices_of(gop, paper):
            return gop.number + 1
    return place


def _find_altered(matching: Matching, walk: _Walk) -> None:
    """Whatever the order says: a GOP with slices that a document near it lists under another IDR picture."""
    for paper in matching.papers:
        for gop in matching.gops[max(0, paper.begun - 2) : paper.begun] if paper.gop is None else ():
            if gop.document is None and not gop.idr_altered and has_slices_of(gop, paper):
                walk.altered(gop, paper)


class _Walk:
    def __init__(self) -> None:
        self.order = Order()
        self.waiting: list[Gop] = []
        """GOPs without a document since the last one with."""
        self._last: Paper | None = None
        self._in_file = False
        """Whether any GOP of the file came already."""

    def documented(self, paper: Paper) -> None:
        last, waiting = self._last, self.waiting
        before_file = paper.gop is None and not self._in_file and not waiting
        if before_file:
            pass
        elif last is None:
            self._first(paper, waiting)
        elif not self._in_file and not waiting:
            self._start_run(paper)
        elif paper.counter == last.counter + 1 and paper.link == last.anchor:
            self._follows(last, paper, waiting)
        elif paper.counter > last.counter + 1 and _later(last, paper) is not False:
            self._jumps(last, paper, waiting)
        else:
            self._other_span(last, paper, waiting)
        self._in_file = self._in_file or not before_file
        self._last, self.waiting = paper, []

    def _first(self, paper: Paper, waiting: list[Gop]) -> None:
        """Nothing signed came before."""
        first_of_span = paper.link == FIRST_LINK
        if paper.gop is None:
            if has_slices_of(waiting[-1], paper) or len(waiting) > paper.counter - 1:
                self.altered(waiting[-1], paper)
            elif paper.link == waiting[-1].anchor:
                waiting[-1].idr_proven = True
                self._lost(paper, None, 1)
            else:
                self.order.findings.add("unverifiable", "document_without_gop", gop=paper.begun)
            self.order.spans = max(1, self.order.spans)
            return
        if waiting and not first_of_span:
            if len(waiting) > paper.counter - 1:
                self._contradict("gop_inserted", waiting[0].number, paper)
            elif paper.link == waiting[-1].anchor:
                waiting[-1].idr_proven = True
        self._start_run(paper)

    def _follows(self, last: Paper, paper: Paper, waiting: list[Gop]) -> None:
        """The link proves that nothing was in between."""
        if waiting:
            self._one_too_many(waiting, paper)
        if paper.gop is None:
            if not waiting:
                self._lost(paper, last, 1)
        elif last.gop is None or waiting:
            self._start_run(paper, new_span=self.order.spans == 0)
        else:
            self.order.runs[-1].append(paper.gop)

    def _jumps(self, last: Paper, paper: Paper, waiting: list[Gop]) -> None:
        """Counters are missing; GOPs without a document may fill them."""
        missing = paper.counter - last.counter - 1 - len(waiting)
        proven = bool(waiting) and paper.link == waiting[-1].anchor
        lost = max(0, missing) + (paper.gop is None)
        if missing < 0:
            self._one_too_many(waiting, paper)
            lost = 0
        elif waiting and not proven and (missing == 0 or (paper.gop is None and has_slices_of(waiting[-1], paper))):
            self.altered(waiting[-1], paper)
            lost = 0
        if proven:
            waiting[-1].idr_proven = True
        if lost:
            self._lost(paper, last, lost)
        self.order.contiguous = self.order.contiguous and lost == 0
        if paper.gop is not None:
            self._start_run(paper, new_span=False)

    def _other_span(self, last: Paper, paper: Paper, waiting: list[Gop]) -> None:
        later = _later(last, paper)
        if later is False or (later is None and paper.link != FIRST_LINK):
            self._contradict("order", paper.gop.number if paper.gop else paper.begun, paper)
        elif later is None:
            self.order.findings.add("unverifiable", "span_order_unknown", counter=paper.counter)
        if paper.gop is None:
            if waiting and has_slices_of(waiting[-1], paper):
                self.altered(waiting[-1], paper)
            else:
                self._lost(paper, last, 1)
            return
        if waiting and paper.link == waiting[-1].anchor:
            waiting[-1].idr_proven = True
        self.order.gap(StreamGap("other_span", last.end_utc_ns, paper.start_utc_ns))
        self.order.contiguous = False
        self._start_run(paper)

    def _start_run(self, paper: Paper, *, new_span: bool = True) -> None:
        assert paper.gop is not None
        self.order.runs.append([paper.gop])
        self.order.spans += new_span

    def _lost(self, paper: Paper, last: Paper | None, gops: int) -> None:
        start = last.end_utc_ns if last is not None else paper.start_utc_ns
        self.order.gap(StreamGap("gops_missing", start, paper.end_utc_ns if paper.gop is None else paper.start_utc_ns, gops=gops))
        self.order.contiguous = False

    def _one_too_many(self, waiting: list[Gop], paper: Paper) -> None:
        """Where the document has its GOP, another one was put in front; where it has none, the last of these is it, changed."""
        if paper.gop is None:
            self.altered(waiting[-1], paper)
        else:
            self._contradict("gop_inserted", waiting[0].number, paper)

    def altered(self, gop: Gop, paper: Paper) -> None:
        gop.idr_altered = True
        self._contradict("idr_altered", gop.number, paper)

    def _contradict(self, code: str, gop: int, paper: Paper) -> None:
        self.order.findings.add("contradicts", code, gop=gop, counter=paper.counter)


def _later(last: Paper, paper: Paper) -> bool | None:
    """Whether the second was recorded after the first; None where the times do not tell."""
    end = last.end_utc_ns if last.end_utc_ns is not None else last.start_utc_ns
    if end is None or paper.start_utc_ns is None:
        return None
    return paper.start_utc_ns >= end - SLACK_NS
