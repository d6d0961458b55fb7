"""Which NAL units ONVIF Media Signing hashes, and how (onvif/specs doc/MediaSigning.xml, "Signing a GOP")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from edge.bmff.boxes import Buffer
from edge.bmff.nal import H264_IDR, H264_SLICE, H265_FIRST_IRAP, H265_LAST_IRAP, nal_type
from edge.messages.stream import Codec


def is_hashed(codec: Codec, nal: Buffer) -> bool:
    """Whether the NAL unit is one of those that documents list: coded slices. (H.265: TRAIL_N, TRAIL_R and IRAP, as the reference does.)"""
    kind = nal_type(codec, nal)
    if codec == "h264":
        return H264_SLICE <= kind <= H264_IDR
    return kind in (0, 1) or H265_FIRST_IRAP <= kind <= H265_LAST_IRAP


def begins_gop(codec: Codec, nal: Buffer) -> bool:
    """The primary slice of an IDR (H.265: IRAP) picture: first_mb_in_slice is 0, first_slice_segment_in_pic_flag is 1."""
    kind = nal_type(codec, nal)
    if codec == "h264":
        return kind == H264_IDR and len(nal) > 1 and nal[1] & 0x80 != 0
    return H265_FIRST_IRAP <= kind <= H265_LAST_IRAP and len(nal) > 2 and nal[2] & 0x80 != 0


@dataclass(slots=True)
class GopHashes:
    """Collects a GOP's hashes. The first NAL unit added is the primary slice of its IDR picture. NAL units come without start codes and
    without trailing zero bytes, as `edge.bmff.nal.split` gives them."""

    hashes: list[bytes] = field(default_factory=list)

    def add(self, nal: Buffer) -> None:
        digest = sha256(nal).digest()
        self.hashes.append(linked(self.hashes[0], digest) if self.hashes else digest)


def linked(anchor: bytes, digest: bytes) -> bytes:
    """The hash of any slice but a GOP's first: bound to the GOP's anchor."""
    return sha256(anchor + digest).digest()


def hashes_of(codec: Codec, access_units: Iterable[Sequence[Buffer]]) -> list[bytes]:
    """The hash list of a GOP given as NAL units, access unit by access unit. Empty where the first slice begins no GOP."""
    found = GopHashes()
    for nals in access_units:
        for nal in nals:
            if is_hashed(codec, nal):
                if not found.hashes and not begins_gop(codec, nal):
                    return []
                found.add(nal)
    return found.hashes
