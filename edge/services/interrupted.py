"""The last GOP of the run before this one: its signature would have ridden in a GOP that never came. It is read back from the disk and
signed in this run's first access unit.

What was read back is marked as such in its document (`after-restart`): between the runs the disk was in nobody's care.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from edge.bmff.boxes import Buffer
from edge.bmff.fragment import ns_of
from edge.bmff.index import SegmentIndex
from edge.bmff.nal import sample_units
from edge.bmff.params import parameter_sets
from edge.bmff.walk import walk
from edge.errors import IntegrityError, NotFound, StorageError
from edge.host.disk import Disk
from edge.messages.records import Segment
from edge.messages.stream import Codec
from edge.ring.dating import with_date
from edge.ring.history import History
from edge.ring.names import RingFolder, parse
from edge.ring.recover import PatientRead
from edge.seal.chain import MANUFACTURER, Maker, anchor_of
from edge.seal.hashing import hashes_of
from edge.seal.onvif import FIRST_LINK, Document, MalformedSei, SignedDocument, read_sei

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """document: without certificates; None where it cannot be made, then `why` says so."""

    codec: Codec
    document: Document | None
    why: str = ""


def find_interrupted(disk: Disk, ring: Path, history: History, maker: Maker) -> Interrupted | None:
    """The newest GOP in the ring; None where there is no footage yet, or none that was to be signed. Never raises."""
    newest = history.newest
    if newest is None or not history.signed:
        return None
    try:
        if RingFolder(disk, ring).opened():
            return Interrupted(_codec(newest.codec), None, "its segment is not recovered yet")
        return _interrupted(disk, ring, history, newest, maker)
    except (StorageError, IntegrityError) as refused:
        log.error("the last GOP before the restart cannot be read back: %s", refused)
        return Interrupted(_codec(newest.codec), None, str(refused))


def _interrupted(disk: Disk, ring: Path, history: History, newest: Segment, maker: Maker) -> Interrupted:
    path = _path(disk, ring, history, newest)
    size = disk.stat(path).size
    read = PatientRead(disk, path, size)
    index = walk(read, size, check_payload=False).index
    if read.refused or not index.fragments:
        raise StorageError(f"{path}: cannot be read")
    codec, last = _codec(index.codec), len(index.fragments) - 1
    units = _units(disk, path, index, last)
    rides = _document(codec, units, maker.serial)
    before = history.segments.get(newest.seq - 1)
    if last == 0 and (before is None or before.span != newest.span):
        counter, link = 1, FIRST_LINK
    elif rides is None:
        return Interrupted(codec, None, "the GOP before it is not signed")
    else:
        counter, link = rides.document.counter + 1, rides.document.anchor
        if last > 0 and anchor_of(codec, _units(disk, path, index, last - 1)) != link:
            return Interrupted(codec, None, "the GOP before it is not signed")
    hashes = hashes_of(codec, units)
    if not hashes:
        return Interrupted(codec, None, "it begins with no IDR picture")
    entry = index.fragments[last]
    start_utc_ns = entry.utc_ns if entry.clock != "untrusted" else None
    document = Document(
        counter=counter,
        link=link,
        hashes=tuple(hashes),
        start_utc_ns=start_utc_ns,
        end_utc_ns=None if start_utc_ns is None else start_utc_ns + ns_of(sum(index.fragment_durations(last))),
        firmware=maker.firmware(parameter_sets(codec, units[0]), after_restart=True),
        serial=maker.serial,
        manufacturer=MANUFACTURER,
    )
    return Interrupted(codec, document)


def _path(disk: Disk, ring: Path, history: History, segment: Segment) -> Path:
    """Where it lies now: it may have been dated since its record was written."""
    path = ring / segment.name
    name = parse(segment.name)
    offset_ms = history.offsets_ms.get(segment.seq)
    if name is not None and name.start_utc_ms is None and offset_ms is not None:
        try:
            disk.stat(path)
        except NotFound:
            return ring / with_date(name, offset_ms).path
    return path


def _units(disk: Disk, path: Path, index: SegmentIndex, place: int) -> list[list[Buffer]]:
    entry = index.fragments[place]
    units = sample_units(memoryview(disk.read(path, entry.data_offset, entry.data_length)), index.fragment_sizes(place))
    if not all(units):
        raise IntegrityError(f"{path}: fragment {entry.number} does not read")
    return units


def _document(codec: Codec, units: Sequence[Sequence[Buffer]], serial: str) -> SignedDocument | None:
    """What this node put into the GOP's first access unit: a camera that signs by itself puts its own beside it."""
    for nal in units[0]:
        try:
            found = read_sei(codec, nal)
        except MalformedSei:
            continue
        if found is not None and (found.document.serial, found.document.manufacturer) == (serial, MANUFACTURER):
            return found
    return None


def _codec(word: str) -> Codec:
    return cast(Codec, word) if word in get_args(Codec) else "h264"
