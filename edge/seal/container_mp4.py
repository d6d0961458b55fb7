"""ISO base media files (ISO/IEC 14496-12) by anybody: flat or in fragments, tables anywhere, 32- or 64-bit sizes.

Our own segments need nothing special, but for damage: where the boxes no longer follow one another, reading goes on at the next stamp.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge.bmff.boxes import Box
from edge.bmff.fragment import STAMP_UUID
from edge.errors import IntegrityError
from edge.seal.container import LARGEST_UNIT_BYTES, NS_PER_S, ContainerKind, FileBytes, Film, Unit, cut_nals
from edge.seal.container_mp4_edits import shown
from edge.seal.container_mp4_fragments import Fragments
from edge.seal.container_mp4_samples import Row, flat_rows
from edge.seal.container_mp4_track import Track, children, is_video, read_track, timescale
from edge.seal.findings import Findings

KINDS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"styp", b"moof", b"sidx", b"pnot")
"""With one of these the file begins."""
_MOST_TOP_BOXES = 2_000_000
_LARGEST_MOOV_BYTES = 64 << 20
_LARGEST_MOOF_BYTES = 16 << 20
_SEARCH_BYTES = 1 << 20
_MOST_RESUMES = 1000
_UUID_IN_BOX = 8
_LEAST_UNIT_BYTES, _SPARE_UNITS = 4, 1000


@dataclass(frozen=True, slots=True)
class Place:
    """A top-level box in the file."""

    kind: bytes
    start: int
    body: int
    end: int


def open_mp4(source: FileBytes) -> Film:
    """Raises IntegrityError where it holds no H.264 or H.265 track that can be read."""
    findings = Findings()
    moov, fragmented = _find_moov(source)
    head = source.read(moov.body, moov.end - moov.body)
    top = children(head, Box(b"moov", 0, 0, len(head)))
    track = _track(source, head, top.get(b"trak", []), findings)
    fragments = Fragments(track, _extends(head, top)) if fragmented else None
    mvhd = top.get(b"mvhd", [])
    movie_scale = timescale(source.name, head[mvhd[0].body : mvhd[0].end] if mvhd else b"")
    units = _units(source, track, _rows(source, track, fragments, findings), findings)
    kind: ContainerKind = "fragmented mp4" if fragmented else "mp4"
    return Film(kind, track.codec, track.entry, units, findings, shown(track, movie_scale, findings))


def _find_moov(source: FileBytes) -> tuple[Place, bool]:
    """The one moov, and whether there are fragments: one that comes before the moov counts, or the first behind it."""
    moov, fragmented = None, False
    for place in _top_boxes(source, None):
        if place.kind == b"moov":
            if moov is not None:
                raise IntegrityError(f"{source.name}: two tables of contents (moov) in one file")
            moov = place
        fragmented = fragmented or place.kind == b"moof"
    if moov is None:
        raise IntegrityError(f"{source.name}: an MP4 file without its table of contents (moov)")
    if moov.end > source.size or moov.end - moov.body > _LARGEST_MOOV_BYTES:
        raise IntegrityError(f"{source.name}: its table of contents (moov) is cut off or larger than {_LARGEST_MOOV_BYTES >> 20} MiB")
    return moov, fragmented


def _track(source: FileBytes, head: bytes, traks: list[Box], findings: Findings) -> Track:
    """The first video track that can be read; what else there is, is told."""
    tracks = [found for found in (read_track(source.name, head, trak) for trak in traks) if found is not None]
    if not tracks:
        raise IntegrityError(f"{source.name}: no H.264 or H.265 video track")
    videos = sum(is_video(head, trak) for trak in traks)
    if len(traks) > max(1, videos):
        findings.add("note", "other_tracks", tracks=len(traks) - max(1, videos))
    if max(videos, len(tracks)) > 1:
        findings.add("unverifiable", "second_video_track", tracks=max(videos, len(tracks)) - 1)
    if tracks[0].ambiguous:
        findings.add("unverifiable", "ambiguous_tables")
    if tracks[0].entries > 1:
        findings.add("unverifiable", "several_descriptions", entries=tracks[0].entries)
    if tracks[0].turned:
        findings.add("unverifiable", "turned")
    if tracks[0].cropped:
        findings.add("unverifiable", "cropped")
    return tracks[0]


def _extends(head: bytes, top: dict[bytes, list[Box]]) -> dict[int, bytes]:
    """trex of each track."""
    bodies = [head[trex.body : trex.end] for mvex in top.get(b"mvex", [])[:1] for trex in children(head, mvex).get(b"trex", [])]
    return {int.from_bytes(body[4:8], "big"): body for body in bodies}


def _rows(source: FileBytes, track: Track, fragments: Fragments | None, findings: Findings) -> Iterator[Row]:
    yield from flat_rows(source.name, track)
    if fragments is None:
        return
    for place in _top_boxes(source, findings):
        if place.kind == b"moof" and place.end <= source.size:
            if place.end - place.start > _LARGEST_MOOF_BYTES:
                raise IntegrityError(f"{source.name}: a fragment's table larger than {_LARGEST_MOOF_BYTES >> 20} MiB")
            yield from fragments.rows(source.name, place.start, source.read(place.start, place.end - place.start))


def _units(source: FileBytes, track: Track, rows: Iterator[Row], findings: Findings) -> Iterator[Unit]:
    left = source.size // _LEAST_UNIT_BYTES + _SPARE_UNITS
    for row in rows:
        left -= 1
        if left < 0:
            raise IntegrityError(f"{source.name}: its tables name more pictures than the file has room for")
        if row.size > LARGEST_UNIT_BYTES:
            raise IntegrityError(f"{source.name}: a picture of more than {LARGEST_UNIT_BYTES >> 20} MiB")
        if row.offset + row.size > source.size:
            findings.add("unverifiable", "pictures_behind_end")
            continue
        nals, whole = cut_nals(source.read(row.offset, row.size), track.length_bytes)
        pts_ns = (row.dts + row.cto) * NS_PER_S // track.timescale
        yield Unit(nals, pts_ns, row.duration * NS_PER_S // track.timescale, not whole)


def _top_boxes(source: FileBytes, findings: Findings | None) -> Iterator[Place]:
    """Box after box; where they break off, on from the next stamp of ours. findings: told of damage, where given."""
    at, resumes, stamped = 0, 0, False
    for _ in range(_MOST_TOP_BOXES):
        if at >= source.size:
            return
        place = _box_at(source, at)
        if place is not None and place.end <= source.size:
            stamped = stamped or (place.kind == b"uuid" and source.read(place.body, len(STAMP_UUID)) == STAMP_UUID)
            yield place
            at = place.end
            continue
        following = _next_stamp(source, at + 1) if stamped and resumes < _MOST_RESUMES else source.size
        resumes += 1
        if findings is not None:
            torn = following >= source.size
            findings.add("unverifiable", "torn_end" if torn else "damaged_bytes", offset=at, bytes=following - at)
        if following >= source.size and place is not None:
            yield place
        at = following
    if at < source.size:
        raise IntegrityError(f"{source.name}: more than {_MOST_TOP_BOXES} boxes")


def _box_at(source: FileBytes, at: int) -> Place | None:
    """None where no box header stands; its end may lie behind the file's."""
    head = source.read(at, 16)
    size, kind, body = int.from_bytes(head[:4], "big"), head[4:8], at + 8
    if size == 1:
        size, body = int.from_bytes(head[8:16], "big"), at + 16
    if size == 0 and len(head) >= 8 and head[:4] == bytes(4):
        size = source.size - at
    return Place(kind, at, body, at + size) if len(head) >= 8 and at + size >= body else None


def _next_stamp(source: FileBytes, at: int) -> int:
    while at < source.size:
        chunk = source.read(at, _SEARCH_BYTES)
        found = chunk.find(STAMP_UUID)
        if found >= _UUID_IN_BOX:
            return at + found - _UUID_IN_BOX
        if found >= 0:
            at += found + 1
            continue
        at += max(1, len(chunk) - len(STAMP_UUID) + 1 - _UUID_IN_BOX) if at + len(chunk) < source.size else len(chunk)
    return source.size
