"""Boxes of an MP4 replaced or added, with every size above them and every chunk offset put right: an attacker's editor."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack

from edge.bmff.boxes import Box, box, boxes, find_box, full_box

TRACK = (b"moov", b"trak")
TABLE = (*TRACK, b"mdia", b"minf", b"stbl")


def with_box(data: bytes, path: tuple[bytes, ...], new: bytes) -> bytes:
    """The first box at `path` becomes `new` (nothing: it is taken out; one that is not there is put last into its parent)."""
    parents = _way(data, path[:-1])
    inside = parents[-1]
    old = find_box(data, path[-1], start=inside.body, end=inside.end)
    start, end = (old.start, old.end) if old is not None else (inside.end, inside.end)
    return _spliced(data, parents, start, end, new)


def with_box_added(data: bytes, path: tuple[bytes, ...], new: bytes) -> bytes:
    """`new` becomes the last box inside the one at `path`."""
    parents = _way(data, path)
    return _spliced(data, parents, parents[-1].end, parents[-1].end, new)


def box_at(data: bytes, path: tuple[bytes, ...]) -> bytes:
    found = _way(data, path)[-1]
    return data[found.start : found.end]


def edits(*rows: tuple[int, int]) -> bytes:
    """edts with edits (media time, duration), in ticks."""
    table = b"".join(pack(">QqHH", duration, media_time, 1, 0) for media_time, duration in rows)
    return box(b"edts", full_box(b"elst", 1, 0, pack(">I", len(rows)), table))


def replaced_inside(data: bytes, path: tuple[bytes, ...], old: bytes, new: bytes) -> bytes:
    """Bytes of the same length, everywhere inside the box at `path`."""
    assert len(old) == len(new)
    found = _way(data, path)[-1]
    part = data[found.start : found.end]
    assert old in part
    return data[: found.start] + part.replace(old, new) + data[found.end :]


def _way(data: bytes, path: Sequence[bytes]) -> list[Box]:
    found = [find_box(data, *path[: place + 1]) for place in range(len(path))]
    assert all(found), path
    return [each for each in found if each is not None]


def _spliced(data: bytes, parents: Sequence[Box], start: int, end: int, new: bytes) -> bytes:
    made = bytearray(data)
    made[start:end] = new
    by = len(new) - (end - start)
    for parent in parents:
        made[parent.start : parent.start + 4] = pack(">I", parent.end - parent.start + by)
    return _moved(bytes(made), by)


def _moved(data: bytes, by: int) -> bytes:
    """Chunk offsets of every track of a flat file whose pictures stand behind the edited place."""
    made = bytearray(data)
    moov = find_box(data, b"moov")
    assert moov is not None
    for trak in boxes(data, moov.body, moov.end):
        table = find_box(data, *TABLE[2:], b"stco", start=trak.body, end=trak.end) if trak.kind == b"trak" else None
        for at in range(table.body + 8, table.end, 4) if table is not None else ():
            made[at : at + 4] = pack(">I", int.from_bytes(made[at : at + 4], "big") + by)
    return bytes(made)
