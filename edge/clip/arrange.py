"""From footage to the parts of a clip and the gaps between them. Pure: indexes in, a plan out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from edge.bmff.flat import Piece
from edge.bmff.fragment import CLOCK_STATES
from edge.clip.cuts import Cut, Footage, Lost, Run, cuts_of, runs
from edge.clip.holes import Missing, gaps
from edge.clip.pictures import Pictures
from edge.clip.shape import FragmentRange, Plan, PlanPart, PlanSegment


def arrange(
    camera: str,
    start_utc_ns: int,
    end_utc_ns: int,
    footage: Sequence[Footage],
    lost: Collection[Lost] = (),
    missing: Sequence[Missing] = (),
) -> Plan:
    """The plan for [start, end). footage: in time order; segments behind `end` may supply the closing access unit. lost: fragments to leave
    out. missing: reasons for gaps."""
    every = [cut for each in footage for cut in cuts_of(each)]
    chosen = runs([cut for cut in every if cut.name not in lost], start_utc_ns, end_utc_ns)
    used = [cut for run in chosen for cut in run.cuts]
    parts = [_part(run, start_utc_ns, end_utc_ns) for run in chosen]
    needed = {seq for part in parts for seq in part.segments()}
    return Plan(
        camera=camera,
        start_utc_ns=start_utc_ns,
        end_utc_ns=end_utc_ns,
        segments=[_segment(each) for each in footage if each.seq in needed],
        parts=parts,
        gaps=gaps(used, every, lost, missing, start_utc_ns, end_utc_ns),
    )


def _part(run: Run, start_ns: int, end_ns: int) -> PlanPart:
    pictures = Pictures(run)
    begin = pictures.shown_at(start_ns)
    first, last = run.cuts[0], run.cuts[-1]
    index = first.footage.index
    return PlanPart(
        span=f"{index.boot}/{first.entry.boot_ns}",
        codec=index.codec,
        width=index.width,
        height=index.height,
        params_sha256=index.params_sha256,
        fragments=[_range(piece) for piece in run.pieces],
        closing=_one(run.closing) if run.closing is not None else None,
        edit_start_ticks=begin,
        # All that follows, the closing access unit too. If the edit ended before, GStreamer's qtdemux (seen in 1.22) would take a start
        # far behind a key frame off the end as well, and asked pictures would be lost.
        edit_duration_ticks=max(1, pictures.end() - begin),
        asked_start_utc_ns=max(start_ns, first.start_utc_ns),
        asked_end_utc_ns=min(end_ns, last.end_utc_ns),
        delivered_start_utc_ns=first.start_utc_ns,
        delivered_end_utc_ns=pictures.last_utc_ns(),
        frames=sum(cut.entry.samples for cut in run.cuts) + (run.closing is not None),
        clock=_clock(run),
    )


def _segment(footage: Footage) -> PlanSegment:
    return PlanSegment(seq=footage.seq, path=footage.path, start_utc_ns=footage.start_utc_ns, dated=footage.dated)


def _range(piece: Piece) -> FragmentRange:
    return FragmentRange(seq=piece.key, first=piece.fragments[0].number, last=piece.fragments[-1].number)


def _one(cut: Cut) -> FragmentRange:
    return FragmentRange(seq=cut.footage.seq, first=cut.entry.number, last=cut.entry.number)


def _clock(run: Run) -> str:
    worst = max((cut.entry.clock for cut in run.cuts), key=CLOCK_STATES.index)
    return "dated" if worst == "untrusted" and all(cut.footage.dated for cut in run.cuts) else worst
