"""A clip from the ring into files: planned, checked, written under a temporary name, synced, recorded, renamed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from edge.cli.clip_progress import busy, progress
from edge.cli.local_journal import record_before
from edge.clip.exported import exported_of
from edge.clip.holes import Missing, missing_of
from edge.clip.manifest import file_name, manifest
from edge.clip.plan import plan_clip
from edge.clip.shape import Plan
from edge.clip.sound import sound_plan
from edge.clip.source import Opener
from edge.clip.virtual import VirtualClip
from edge.clock import NS_PER_S
from edge.config.model import NodeConfig
from edge.errors import IntegrityError, NotFound, StorageError, UsageError
from edge.host.disk import Disk
from edge.host.linux_disk import LinuxDisk
from edge.messages.clip import ClipRequest, Manifest
from edge.ring.query import RingReader

CHUNK_BYTES = 1 << 20
_LOOK_AROUND_NS = 120 * NS_PER_S


class RingFile:
    """A segment by number: looked for again when it was sealed or dated, and so renamed, meanwhile."""

    def __init__(self, disk: Disk, reader: RingReader, plan: Plan, seq: int, path: Path) -> None:
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


def find(config: NodeConfig, reader: RingReader, request: ClipRequest) -> Found:
    """Reads all the footage once. Raises StorageError, IntegrityError."""

    def missing(start_ns: int, end_ns: int) -> list[Missing]:
        return missing_of(reader.timeline(request.camera, start_ns, end_ns), end_ns)

    disk = LinuxDisk()
    first = plan_clip(reader, request, missing=missing)
    where = first.files()

    def segment(seq: int) -> RingFile:
        return RingFile(disk, reader, first, seq, where[seq])

    with busy("reading the footage"):
        plan, clips = sound_plan(first, segment)
    return Found(disk, plan, clips, manifest(config.node.id, request, plan, dict(enumerate(clips))), segment)


def export(config: NodeConfig, reader: RingReader, request: ClipRequest, output: Path | None) -> tuple[Manifest, list[Path]]:
    """The manifest, and the files in its order. Raises UsageError where a file exists already, Refused where the export cannot be recorded,
    StorageError, IntegrityError."""
    found = find(config, reader, request)
    paths = _paths(found.plan, output)
    write_files(found, paths, lambda: record_export(config, found.manifest))
    return found.manifest, paths


def record_export(config: NodeConfig, manifest: Manifest) -> None:
    """On disk when it returns; the files get their names after that. Raises Refused."""
    record_before(config, exported_of(manifest, "file"), manifest.request.camera)


def write_files(found: Found, paths: Sequence[Path], record: Callable[[], None]) -> None:
    """All whole, then recorded, then under their names; what stops it before leaves nothing. Raises StorageError, UsageError,
    IntegrityError, and what `record` raises."""
    disk, parts = found.disk, [unfinished(path.absolute()) for path in paths]
    try:
        with progress(found.size) as advance:
            for part, clip in zip(parts, found.clips, strict=True):
                copy_clip(disk, part, clip, advance)
        record()
        for part, path in zip(parts, paths, strict=True):
            put_in_place(disk, part, path.absolute())
    finally:
        for part in parts:
            with suppress(NotFound):
                disk.unlink(part)
    for folder in dict.fromkeys(part.parent for part in parts):
        disk.sync_dir(folder)


def check_free(path: Path) -> None:
    """Raises UsageError where `path` exists, or has no folder to lie in."""
    if os.path.lexists(path):
        raise UsageError(f"{path} exists already", remedy="choose another name")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.absolute().parent}", remedy="make it, or choose another name")


def copy_clip(disk: Disk, path: Path, clip: VirtualClip, advance: Callable[[int], None]) -> None:
    """A new file, synced. Raises StorageError; IntegrityError where the disk gives other bytes than when they were hashed for the
    manifest."""
    digest = sha256()
    file = disk.create(path)
    try:
        for chunk in clip.stream(chunk_bytes=CHUNK_BYTES):
            file.write(chunk)
            digest.update(chunk)
            advance(len(chunk))
        file.fsync()
    finally:
        file.close()
    if digest.hexdigest() != clip.etag():
        raise IntegrityError(f"{path}: the ring's disk gave other bytes than a moment before", remedy="the disk is failing: try again")


def put_in_place(disk: Disk, part: Path, path: Path) -> None:
    """Raises UsageError where the name was taken meanwhile, StorageError."""
    try:
        disk.rename(part, path)
    except StorageError as error:
        if error.number in (errno.EEXIST, errno.ENOTEMPTY) and os.path.lexists(path):
            raise UsageError(f"{path} exists already", remedy="choose another name") from error
        raise


def unfinished(path: Path) -> Path:
    """Where `path` is made: beside it, hidden, of this process alone."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _paths(plan: Plan, output: Path | None) -> list[Path]:
    """Where the files go; none of them is there yet."""
    names = [file_name(plan, part) for part in plan.parts]
    if output is None or output.is_dir():
        paths = [(output or Path()) / name for name in names]
    elif len(names) == 1:
        paths = [output]
    else:
        paths = [output.with_name(f"{output.stem}-{number}{output.suffix}") for number in range(1, len(names) + 1)]
    for path in paths:
        check_free(path)
    return paths
