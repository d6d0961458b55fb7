"""Elements added to a Matroska file (RFC 9559), with the sizes above them put right: an attacker's editor."""

from __future__ import annotations

from struct import pack

SEGMENT, TRACKS, TRACK_ENTRY, CHAPTERS = 0x18538067, 0x1654AE6B, 0xAE, 0x1043A770
VIDEO = 0xE0
_TRACK_TIMESTAMP_SCALE, _PROJECTION, _YAW, _CROP_LEFT = 0x23314F, 0x7670, 0x7673, 0x54CC
_EDITION, _ORDERED, _ATOM, _UID, _FROM, _TO = 0x45B9, 0x45DD, 0xB6, 0x73C4, 0x91, 0x92


def element(identifier: int, body: bytes) -> bytes:
    """With a size of eight bytes."""
    return identifier.to_bytes((identifier.bit_length() + 7) // 8, "big") + (1 << 56 | len(body)).to_bytes(8, "big") + body


def with_element(data: bytes, path: tuple[int, ...], new: bytes) -> bytes:
    """`new` stands first inside the first element at `path`."""
    made = bytearray()
    at, done = 0, False
    while at < len(data):
        identifier, body, end = _head(data, at)
        if not done and identifier == path[0]:
            inside = data[body:end]
            made += element(identifier, new + inside if len(path) == 1 else with_element(inside, path[1:], new))
            done = True
        else:
            made += data[at:end]
        at = end
    assert done, hex(path[0])
    return bytes(made)


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """(identifier, body, end)."""
    length = 9 - data[at].bit_length()
    identifier, at = int.from_bytes(data[at : at + length], "big"), at + length
    length = 9 - data[at].bit_length()
    size = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
    assert size != (1 << 7 * length) - 1, "of unknown size"
    return identifier, at + length, at + length + size


def track_played(data: bytes, times: float) -> bytes:
    """A track whose times count `times` as much (TrackTimestampScale, which RFC 9559 deprecates and FFmpeg obeys)."""
    return with_element(data, (SEGMENT, TRACKS, TRACK_ENTRY), element(_TRACK_TIMESTAMP_SCALE, pack(">f", times)))


def mirrored(data: bytes) -> bytes:
    """A projection whose yaw of half a turn mirrors (RFC 9559, 5.1.4.1.28.43)."""
    return with_element(data, (SEGMENT, TRACKS, TRACK_ENTRY, VIDEO), element(_PROJECTION, element(_YAW, pack(">f", 180.0))))


def cropped(data: bytes, pixels: int) -> bytes:
    """The left of each picture is not shown."""
    return with_element(data, (SEGMENT, TRACKS, TRACK_ENTRY, VIDEO), element(_CROP_LEFT, bytes((pixels,))))


def played_in_order(data: bytes, *parts_s: tuple[int, int]) -> bytes:
    """Ordered chapters: players that know them show these parts, one after the other."""
    atoms = b""
    for number, (start, end) in enumerate(parts_s, 1):
        times = element(_FROM, (start * 10**9).to_bytes(8, "big")) + element(_TO, (end * 10**9).to_bytes(8, "big"))
        atoms += element(_ATOM, element(_UID, bytes((number,))) + times)
    edition = element(_EDITION, element(_ORDERED, b"\1") + atoms)
    return with_element(data, (SEGMENT,), element(CHAPTERS, edition))
