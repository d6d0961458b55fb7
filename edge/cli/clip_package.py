"""A clip package from the ring into a folder: there, complete and on the disk for good, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.cli.clip_files import Found, check_free, copy_clip, find, put_in_place, record_export, unfinished
from edge.cli.clip_progress import busy, progress
from edge.cli.local_journal import local_checkpoint
from edge.cli.options import clock_of
from edge.clip.package import Package, PackageMaker, attachments_of
from edge.config.model import NodeConfig
from edge.errors import Refused, StorageError
from edge.host.disk import Disk
from edge.messages.clip import ClipRequest, Manifest
from edge.ring.query import RingReader
from edge.seal.opening import identity_opener
from edge.seal.signer import Identity


@dataclass(frozen=True, slots=True)
class Delivered:
    """paths: of the clips, in the order of the manifest's files. unsigned: why there is no signature, "" where there is one."""

    manifest: Manifest
    paths: list[Path]
    unsigned: str


def export_package(config: NodeConfig, reader: RingReader, request: ClipRequest, folder: Path, *, signature: bool) -> Delivered:
    """signature: refuse what cannot be signed. Without footage nothing is written. Raises UsageError where the folder exists already,
    Refused("no_signature", "not_recorded"), StorageError, IntegrityError."""
    check_free(folder)
    found = find(config, reader, request)
    if not found.clips:
        return Delivered(found.manifest, [], "")
    with busy("making the package"):
        package = _maker(config, found.disk).make(found.manifest, found.plan, found.segment)
    if signature and package.unsigned:
        raise Refused("no_signature", f"the package cannot be signed: {package.unsigned}", remedy="see [seal] in node.toml")
    manifest = msgspec.structs.replace(found.manifest, attachments=attachments_of(package.files))
    write_folder(folder.absolute(), found, package, lambda: record_export(config, manifest))
    return Delivered(manifest, [folder / file.name for file in manifest.files], package.unsigned)


def write_folder(folder: Path, found: Found, package: Package, record: Callable[[], None]) -> None:
    """All files in it, synced, and recorded before it has its name. Raises StorageError, UsageError, IntegrityError, and what `record`
    raises; then nothing is left."""
    disk, part = found.disk, unfinished(folder)
    try:
        disk.mkdir(part)
        with progress(found.size) as advance:
            for file, clip in zip(found.manifest.files, found.clips, strict=True):
                copy_clip(disk, part / file.name, clip, advance)
        for name, data in package.files.items():
            _write(disk, part / name, data)
        disk.sync_dir(part)
        record()
        put_in_place(disk, part, folder)
    except BaseException:
        _remove(disk, part)
        raise
    disk.sync_dir(folder.parent)


def _write(disk: Disk, path: Path, data: bytes) -> None:
    file = disk.create(path)
    try:
        file.write(data)
        file.fsync()
    finally:
        file.close()


def _remove(disk: Disk, folder: Path) -> None:
    with suppress(StorageError):
        for entry in disk.scan(folder):
            disk.unlink(folder / entry.name)
        disk.rmdir(folder)


def _maker(config: NodeConfig, disk: Disk) -> PackageMaker:
    def checkpoint(identity: Identity, clip: str) -> str:
        return local_checkpoint(config, identity, clip)

    clock = clock_of(config)
    return PackageMaker(config, disk, clock, identity_opener(config.seal, clock), checkpoint)
