"""Journal lines that go with a clip: from the first record that speaks of its footage to a checkpoint that signs them all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from edge.clock import parse_utc
from edge.errors import EdgeError, StorageError
from edge.journal.line import Line, chain_hash
from edge.journal.reader import JournalReader
from edge.messages.evidence import Checkpoint, Head
from edge.messages.package import JournalProof, RecordsNote
from edge.messages.records import Gap, Record, Segment, facts_of
from edge.seal.checkpoint import BadCheckpoint, read_checkpoint

log = logging.getLogger(__name__)

PROOF_MAX_BYTES = 4 << 20
"""Of lines in one package: days of a recorder's journal."""

Checkpointer = Callable[[str], str]
"""From the id of a clip to a new checkpoint (a compact JWS of CheckpointClaims) over the heads of all journals, recorded. Raises
EdgeError; ValueError where there are more journals than fit."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be proved: segments by number, and the gaps within [start, end) UTC."""

    clip: str
    segments: frozenset[int]
    start_utc_ns: int
    end_utc_ns: int


@dataclass(frozen=True, slots=True)
class Proven:
    """segments: the records of the wanted segments that were found, in order."""

    proofs: list[JournalProof]
    segments: list[Segment]
    note: RecordsNote


def prove(wanted: Wanted, recorder: JournalReader, agent: JournalReader, checkpoint: Checkpointer | None) -> Proven:
    """recorder: the journal with the segments' records; agent: the journal with the checkpoints. checkpoint: makes one where none covers
    the records yet; None: nobody can sign. Never raises for what a journal or its disk does: the note says it."""
    story = _Story(wanted)
    try:
        story.read(recorder)
        if not story.lines:
            return Proven([], [], story.note)
        signed = _covering(agent, recorder, story.lines[-1].seq)
        if signed is None and checkpoint is not None:
            signed = _asked(checkpoint, wanted.clip, recorder, story.lines[-1].seq)
        if signed is None:
            return Proven([], story.segments, "no_checkpoint")
        lines = [*story.lines, *_rest(recorder, story.lines[-1].seq, signed[1].seq)]
    except (StorageError, _Hole) as trouble:
        log.warning("clip %s goes without journal lines: %s", wanted.clip, trouble)
        return Proven([], story.segments, "unreadable")
    return _proof(recorder, lines, *signed, story)


def _proof(recorder: JournalReader, lines: list[Line], token: str, head: Head, story: _Story) -> Proven:
    if sum(len(line.raw) for line in lines) > PROOF_MAX_BYTES:
        return Proven([], story.segments, "too_large")
    whole = all(after.record.prev == chain_hash(before.raw) for before, after in pairwise(lines))
    if not whole or lines[-1].seq != head.seq or chain_hash(lines[-1].raw) != head.sha256:
        return Proven([], story.segments, "unreadable")
    proof = JournalProof(journal=head.journal, epoch=head.epoch, lines=[line.raw.decode() for line in lines], checkpoint=token)
    return Proven([proof], story.segments, story.note)


class _Hole(EdgeError):
    """Lines are missing where there must be some."""


@dataclass(slots=True)
class _Story:
    """lines: from the first to the last that speaks of what is wanted."""

    wanted: Wanted
    lines: list[Line] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    note: RecordsNote = ""

    def read(self, recorder: JournalReader) -> None:
        between: list[Line] = []
        newest = 0
        for line in recorder.seek(_segment_seq, min(self.wanted.segments)):
            newest = max(newest, _segment_seq(line) or 0)
            if self._speaks(line):
                self.lines += [*between, line]
                between = []
                self._take(line)
            elif self.lines:
                between.append(line)
            if self._is_over(line):
                break
        missing = self.wanted.segments - {each.seq for each in self.segments}
        if missing:
            self.note = "not_sealed" if min(missing) > newest else "not_in_journal"

    def _speaks(self, line: Line) -> bool:
        if line.record.type == "gap":
            return self._is_inside(facts_of(line.record, Gap))
        return _segment_seq(line) in self.wanted.segments

    def _is_inside(self, gap: Gap) -> bool:
        start_ns = None if gap.start is None else parse_utc(gap.start)
        end_ns = None if gap.end is None else parse_utc(gap.end)
        if start_ns is None and end_ns is None:
            return False
        return (start_ns is None or start_ns < self.wanted.end_utc_ns) and (end_ns is None or end_ns > self.wanted.start_utc_ns)

    def _take(self, line: Line) -> None:
        if line.record.type == "segment":
            self.segments.append(facts_of(line.record, Segment))

    def _is_over(self, line: Line) -> bool:
        """A segment from behind the asked range: what follows speaks of later times."""
        if line.record.type != "segment":
            return False
        segment = facts_of(line.record, Segment)
        if segment.seq < max(self.wanted.segments):
            return False
        return segment.end is None or parse_utc(segment.end) >= self.wanted.end_utc_ns


def _segment_seq(line: Line) -> int | None:
    return facts_of(line.record, Segment).seq if line.record.type == "segment" else None


def _covering(agent: JournalReader, recorder: JournalReader, seq: int) -> tuple[str, Head] | None:
    """The first checkpoint that signs record `seq` of the recorder's journal or a later one; found by number, since clocks may step."""
    name, epoch = recorder.folder.name, recorder.epoch()

    def head_seq(line: Line) -> int | None:
        found = _head(line.record, name, epoch)
        return None if found is None else found[1].seq

    for line in agent.seek(head_seq, seq):
        found = _head(line.record, name, epoch)
        if found is not None and found[1].seq >= seq:
            return found
    return None


def _head(record: Record, journal: str, epoch: str) -> tuple[str, Head] | None:
    return _head_of(facts_of(record, Checkpoint).jws, journal, epoch) if record.type == "checkpoint" else None


def _head_of(token: str, journal: str, epoch: str) -> tuple[str, Head] | None:
    try:
        claims = read_checkpoint(token).claims
    except BadCheckpoint:
        return None
    return next(((token, head) for head in claims.heads if (head.journal, head.epoch) == (journal, epoch)), None)


def _asked(checkpoint: Checkpointer, clip: str, recorder: JournalReader, seq: int) -> tuple[str, Head] | None:
    try:
        token = checkpoint(clip)
    except (EdgeError, ValueError) as trouble:
        log.warning("clip %s: no checkpoint could be made: %s", clip, trouble)
        return None
    found = _head_of(token, recorder.folder.name, recorder.epoch())
    return found if found is not None and found[1].seq >= seq else None


def _rest(recorder: JournalReader, after: int, upto: int) -> Iterator[Line]:
    """The lines between. Stops early where they are more than a package carries."""
    expected, total = after, 0
    if after == upto:
        return
    for line in recorder.read(after):
        expected, total = expected + 1, total + len(line.raw)
        if line.seq != expected:
            raise _Hole(f"record {expected} is not in the journal")
        yield line
        if line.seq == upto or total > PROOF_MAX_BYTES:
            return
    raise _Hole(f"record {upto}, which a checkpoint signs, is not in the journal")
