"""A clip from the ring into files: planned, checked, written under a temporary name, synced, renamed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from edge.cli.local_journal import note
from edge.clip.holes import Missing, missing_of
from edge.clip.manifest import file_name, manifest
from edge.clip.plan import plan_clip
from edge.clip.shape import Plan
from edge.clip.sound import sound_plan
from edge.clip.virtual import VirtualClip
from edge.clock import NS_PER_S
from edge.config.model import NodeConfig
from edge.errors import IntegrityError, NotFound, StorageError, UsageError
from edge.host.disk import Disk
from edge.host.linux_disk import LinuxDisk
from edge.messages.clip import ClipRequest, Manifest
from edge.messages.records import Command
from edge.ring.query import RingReader

CHUNK_BYTES = 1 << 20
QUIET_BYTES = 16 << 20
"""Below this no progress is shown."""
_LOOK_AROUND_NS = 120 * NS_PER_S


def export(config: NodeConfig, reader: RingReader, request: ClipRequest, output: Path | None) -> tuple[Manifest, list[Path]]:
    """The manifest, and the files in its order. Raises UsageError where a file exists already, StorageError, IntegrityError."""

    def missing(start_ns: int, end_ns: int) -> list[Missing]:
        return missing_of(reader.timeline(request.camera, start_ns, end_ns), end_ns)

    disk = LinuxDisk()
    plan = plan_clip(reader, request, missing=missing)
    where = plan.files()
    plan, clips = sound_plan(plan, lambda seq: _RingFile(disk, reader, plan, seq, where[seq]))
    paths = _paths(plan, output)
    made = manifest(config.node.id, request, plan, dict(enumerate(clips)))
    with _progress(sum(clip.size for clip in clips)) as advance:
        for path, clip in zip(paths, clips, strict=True):
            _write(disk, path.absolute(), clip, advance)
    if clips:
        text = " ".join([request.start, request.end, *(file.sha256 for file in made.files)])
        done = Command(id=request.id, verb="clip", operator=request.operator, case=request.case, state="done", text=text[:4000])
        note(config, done, request.camera)
    return made, paths


class _RingFile:
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
        if os.path.lexists(path):
            raise UsageError(f"{path} exists already", remedy="name another file with -o")
        if not path.absolute().parent.is_dir():
            raise UsageError(f"there is no folder {path.absolute().parent}", remedy="make it, or name another file with -o")
    return paths


def _write(disk: Disk, path: Path, clip: VirtualClip, advance: Callable[[int], None]) -> None:
    """The whole file under its name, or nothing. Raises StorageError; UsageError where the name was taken meanwhile; IntegrityError where
    the disk gives other bytes than when they were hashed for the manifest."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    digest = sha256()
    try:
        file = disk.create(part)
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
        disk.rename(part, path)
    except StorageError as error:
        if error.number == errno.EEXIST and path.exists():
            raise UsageError(f"{path} exists already", remedy="name another file with -o") from error
        raise
    finally:
        with suppress(NotFound):
            disk.unlink(part)
    disk.sync_dir(path.parent)


@contextmanager
def _progress(total_bytes: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's stderr for what takes a while."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if total_bytes < QUIET_BYTES or not console.is_terminal:
        yield lambda written: None
        return
    columns = (TextColumn("writing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("writing", total=total_bytes)
        yield lambda written: progress.advance(task, written)
