"""A clip from the ring into files: planned, checked, written under a temporary name, synced, recorded, renamed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from edge.audit.local_journal import record_before
from edge.cli.clip_progress import busy, progress
from edge.clip.exported import exported_of
from edge.clip.found import Found as Found
from edge.clip.found import find_clips
from edge.clip.manifest import file_name
from edge.clip.shape import Plan
from edge.clip.virtual import VirtualClip
from edge.config.model import NodeConfig
from edge.errors import IntegrityError, NotFound, StorageError, UsageError
from edge.host.disk import Disk
from edge.host.linux_disk import LinuxDisk
from edge.messages.clip import ClipRequest, Manifest
from edge.ring.query import RingReader

CHUNK_BYTES = 1 << 20


def find(config: NodeConfig, reader: RingReader, request: ClipRequest) -> Found:
    """Reads all the footage once. Raises StorageError, IntegrityError."""
    with busy("reading the footage"):
        return find_clips(LinuxDisk(), config.node.id, reader, request)


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
