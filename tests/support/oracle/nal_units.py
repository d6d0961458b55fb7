"""NAL units, the slow and plain way: written from ITU-T H.264 and H.265, 7.3.1, 7.4.1 and annex B, for the oracle alone."""

from __future__ import annotations


def from_annexb(data: bytes) -> list[bytes]:
    """Between start codes, without trailing zero bytes; empty ones are left out."""
    found = []
    for piece in data.split(b"\0\0\1")[1:]:
        nal = piece
        while nal and nal[-1] == 0:
            nal = nal[:-1]
        if nal:
            found.append(nal)
    return found


def from_lengths(sample: bytes, length_bytes: int) -> list[bytes] | None:
    """Behind their lengths; None where the lengths do not add up."""
    found = []
    at = 0
    while at < len(sample):
        size = int.from_bytes(sample[at : at + length_bytes], "big")
        at += length_bytes
        if at + size > len(sample):
            return None
        nal = sample[at : at + size]
        at += size
        while nal and nal[-1] == 0:
            nal = nal[:-1]
        if nal:
            found.append(nal)
    return found


def with_prevention(raw: bytes) -> bytes:
    """A 3 in front of each byte 0 to 3 that follows two zeros."""
    made = bytearray()
    zeros = 0
    for byte in raw:
        if zeros == 2 and byte <= 3:
            made.append(3)
            zeros = 0
        made.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(made)


def without_prevention(nal: bytes) -> bytes:
    made = bytearray()
    zeros = 0
    for byte in nal:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        made.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(made)


def kind(codec: str, nal: bytes) -> int:
    """nal_unit_type."""
    return nal[0] & 31 if codec == "h264" else (nal[0] >> 1) & 63


def is_picture_data(codec: str, nal: bytes) -> bool:
    """Anything a decoder might make a picture of, covered by signatures or not (tables 7-1: VCL; H.264: also 19, 20 and 21)."""
    number = kind(codec, nal)
    return number in (1, 2, 3, 4, 5, 19, 20, 21) if codec == "h264" else number <= 31


def is_signed_kind(codec: str, nal: bytes) -> bool:
    """Those slices that a signing SEI lists."""
    number = kind(codec, nal)
    return 1 <= number <= 5 if codec == "h264" else number in (0, 1, 16, 17, 18, 19, 20, 21)


def opens_gop(codec: str, nal: bytes) -> bool:
    """The first slice of a picture that decoding can start at: first_mb_in_slice is 0 (ue(v): a one bit), or the flag is set."""
    number = kind(codec, nal)
    if codec == "h264":
        return number == 5 and len(nal) > 1 and nal[1] >= 128
    return 16 <= number <= 21 and len(nal) > 2 and nal[2] >= 128


def is_sei(codec: str, nal: bytes) -> bool:
    return kind(codec, nal) == 6 if codec == "h264" else kind(codec, nal) in (39, 40)
