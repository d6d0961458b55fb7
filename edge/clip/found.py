"""What answers a request: the plan, its clips with their hashes, and the ring's files behind them, wherever those lie by now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.clip.holes import Missing, missing_of
from edge.clip.manifest import manifest
from edge.clip.plan import plan_clip
from edge.clip.shape import Plan
from edge.clip.sound import sound_plan
from edge.clip.source import Opener
from edge.clip.virtual import VirtualClip
from edge.clock import NS_PER_S
from edge.errors import NotFound
from edge.host.disk import Disk
from edge.messages.clip import ClipRequest, Manifest
from edge.ring.query import RingReader

_LOOK_AROUND_NS = 120 * NS_PER_S


class RingFile:
    """A segment by number: looked for again when it was sealed or dated, and so renamed, meanwhile. check: called before each read."""

    def __init__(self, disk: Disk, reader: RingReader, plan: Plan, seq: int, path: Path, check: Callable[[], None]) -> None:
        self._check = check
        self._disk = disk
        self._reader = reader
        self._plan = plan
        self._seq = seq
        self._path = path

    @property
    def size(self) -> int:
        try:
            return self._disk.stat(self._path).size
        except NotFound:
            return self._disk.stat(self._found()).size

    def read(self, offset: int, length: int) -> bytes:
        self._check()
        try:
            return self._disk.read(self._path, offset, length)
        except NotFound:
            return self._disk.read(self._found(), offset, length)

    def _found(self) -> Path:
        plan = self._plan
        for ref in self._reader.segments(plan.camera, plan.start_utc_ns - _LOOK_AROUND_NS, plan.end_utc_ns + _LOOK_AROUND_NS):
            if ref.seq == self._seq:
                self._path = ref.path
        return self._path


@dataclass(frozen=True, slots=True)
class Found:
    """What answers a request. clips: in the order of the manifest's files, their hashes known. segment: opens a file of the ring."""

    disk: Disk
    plan: Plan
    clips: list[VirtualClip]
    manifest: Manifest
    segment: Opener

    @property
    def size(self) -> int:
        return sum(clip.size for clip in self.clips)


def find_clips(disk: Disk, node: str, reader: RingReader, request: ClipRequest, *, check: Callable[[], None] = lambda: None) -> Found:
    """Reads all the footage once. node: its id, for the manifest. check: called before each read of footage, now and from the clips; what
    it raises goes through. Raises Refused("bad_range"), StorageError, IntegrityError."""

    def missing(start_ns: int, end_ns: int) -> list[Missing]:
        return missing_of(reader.timeline(request.camera, start_ns, end_ns), end_ns)

    first = plan_clip(reader, request, missing=missing)
    where = first.files()

    def segment(seq: int) -> RingFile:
        return RingFile(disk, reader, first, seq, where[seq], check)

    plan, clips = sound_plan(first, segment)
    return Found(disk, plan, clips, manifest(node, request, plan, dict(enumerate(clips))), segment)
