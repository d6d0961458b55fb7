"""The signing SEI of ONVIF Media Signing 26.06 (onvif/specs doc/MediaSigning.xml): what it says, as bytes and back.

A GOP's document lists the hash of each of its slices and names the GOP before it; it is signed and rides, as a user-data SEI, in the
access unit of the next GOP's IDR picture. Integers are big-endian, as ONVIF's own validator reads them. Reading never trusts the bytes:
lengths are checked against what is there and everything is capped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from edge.bmff.boxes import Buffer
from edge.bmff.nal import H264_SEI, H265_PREFIX_SEI, nal_type, unescape
from edge.messages.stream import Codec
from edge.seal.hashing import GopHashes as GopHashes
from edge.seal.hashing import begins_gop as begins_gop
from edge.seal.hashing import hashes_of as hashes_of
from edge.seal.hashing import is_hashed as is_hashed
from edge.seal.hashing import linked as linked

SIGNING_UUID = bytes.fromhex("005bc93f2d715e95ada4796f90877a6f")
SPEC_VERSION = (25, 12, 0)
HASH_BYTES = 32
FIRST_LINK = bytes(HASH_BYTES)
"""Of a span's first GOP."""
LARGEST_SIGNATURE_BYTES = 72
LARGEST_SEI_BYTES = 1 << 20
LARGEST_HASHES = 20_000

_GENERAL, _HASHES, _SIGNATURE, _CRYPTO, _VENDOR, _CERTIFICATES = 1, 2, 3, 4, 5, 6
_CERTIFICATE_SEI, _ESCAPED_BEFORE_HASHING = 0x80, 0x40
_USER_DATA_UNREGISTERED = 5
_SHA256_OID = bytes.fromhex("0609608648016503040201")
_STOP = b"\x80"
_HEADERS: dict[Codec, bytes] = {"h264": bytes((H264_SEI,)), "h265": bytes((H265_PREFIX_SEI << 1, 1))}
_SUFFIX_SEI = 40
_GENERAL_BYTES = {1: 83, 2: 91}
_NS_PER_TICK = 100
_TICKS_1601_TO_1970 = 11_644_473_600 * 10_000_000
_TO_ESCAPE = re.compile(rb"\0\0(?=[\0-\3])")


class MalformedSei(ValueError):
    """It carries the signing UUID and does not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is signed of one GOP.

    counter: of the GOP within its span, from 1. link: anchor of the GOP before it; zeros in a span's first. hashes: the anchor (hash of
    the IDR picture's primary slice), then one each of the other slices, in decoding order; empty in a certificate SEI. start, end: UTC
    nanoseconds of this GOP's and the next one's first picture; None where not told. serial: "<node>/<camera>". certificates: PEM, leaf
    first.
    """

    counter: int
    link: bytes
    hashes: tuple[bytes, ...]
    start_utc_ns: int | None
    end_utc_ns: int | None
    firmware: str = ""
    serial: str = ""
    manufacturer: str = ""
    certificates: bytes = b""
    partial: bool = False

    @property
    def anchor(self) -> bytes:
        return self.hashes[0] if self.hashes else b""

    @property
    def gop_hash(self) -> bytes:
        return sha256(b"".join(self.hashes)).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDocument:
    """A signing SEI as read. signed: the bytes the signature is over (their SHA-256 is what the key signed). listed: it has a hash list;
    without one only `stated_gop_hash` stands for the GOP. stated_nals: how many slices it says there are."""

    document: Document
    signature: bytes
    signed: bytes
    listed: bool
    stated_gop_hash: bytes
    stated_nals: int
    general: bool = True
    """False: a certificate SEI, which tells of no GOP."""


def is_signing_sei(codec: Codec, nal: Buffer) -> bool:
    """Carries the UUID. Never raises."""
    kind = nal_type(codec, nal)
    if kind != (H264_SEI if codec == "h264" else H265_PREFIX_SEI) and not (codec == "h265" and kind == _SUFFIX_SEI):
        return False
    start = len(_HEADERS[codec])
    if len(nal) <= start or nal[start] != _USER_DATA_UNREGISTERED:
        return False
    start += 1
    while start < len(nal) and nal[start] == 0xFF:
        start += 1
    return bytes(nal[start + 1 : start + 1 + len(SIGNING_UUID)]) == SIGNING_UUID


def escape(data: bytes) -> bytes:
    """With emulation prevention bytes (H.264 and H.265, 7.4.1)."""
    return _TO_ESCAPE.sub(b"\0\0\3", data)


class Unsigned:
    """A document on its way to its signature: `digest` goes to the signer, `finish` makes the NAL unit."""

    def __init__(self, codec: Codec, document: Document) -> None:
        """Raises ValueError for what does not fit its field."""
        if document.counter >> 32:
            raise ValueError(f"GOP {document.counter} does not fit")
        payload = SIGNING_UUID + bytes((_ESCAPED_BEFORE_HASHING,)) + _tlvs(document)
        size = len(payload) + 3 + 3 + LARGEST_SIGNATURE_BYTES
        self._raw = _HEADERS[codec] + bytes((_USER_DATA_UNREGISTERED,)) + b"\xff" * (size // 255) + bytes((size % 255,)) + payload
        self.codec = codec
        self.document = document
        self.digest = sha256(escape(self._raw)).digest()

    def finish(self, signature: bytes) -> bytes:
        """The SEI NAL unit, without start code. signature: DER. Raises ValueError where it is too long."""
        if not 0 < len(signature) <= LARGEST_SIGNATURE_BYTES:
            raise ValueError(f"a signature of {len(signature)} bytes")
        padded = signature.ljust(LARGEST_SIGNATURE_BYTES, b"\1")
        value = b"\1" + len(signature).to_bytes(2, "big") + padded
        return escape(self._raw + _tlv(_SIGNATURE, value)) + _STOP


def _tlvs(document: Document) -> bytes:
    general = b"".join(
        (
            b"\2",
            bytes(SPEC_VERSION),
            bytes((document.partial,)),
            _ticks(document.start_utc_ns).to_bytes(8, "big"),
            _ticks(document.end_utc_ns).to_bytes(8, "big"),
            document.counter.to_bytes(4, "big"),
            min(len(document.hashes), 0xFFFF).to_bytes(2, "big"),
            document.gop_hash,
            document.link,
        )
    )
    texts = (text.encode()[:255] for text in (document.firmware, document.serial, document.manufacturer))
    vendor = b"\1" + b"".join(bytes((len(text),)) + text for text in texts)
    crypto = b"\1" + bytes((len(_SHA256_OID),)) + _SHA256_OID + bytes(3)
    return b"".join(
        (
            _tlv(_CRYPTO, crypto),
            _tlv(_VENDOR, vendor),
            _tlv(_CERTIFICATES, b"\1\0" + document.certificates) if document.certificates else b"",
            _tlv(_GENERAL, general),
            _tlv(_HASHES, b"\1" + b"".join(document.hashes)),
        )
    )


def _tlv(tag: int, value: bytes) -> bytes:
    if len(value) > 0xFFFF:
        raise ValueError(f"tag {tag}: {len(value)} bytes do not fit")
    return bytes((tag,)) + len(value).to_bytes(2, "big") + value


def _ticks(utc_ns: int | None) -> int:
    return 0 if utc_ns is None else max(0, utc_ns // _NS_PER_TICK + _TICKS_1601_TO_1970)


def _utc_ns(ticks: int) -> int | None:
    """None where the clock that stamped it said nothing one could believe (before 1970)."""
    since_1970 = ticks - _TICKS_1601_TO_1970
    return since_1970 * _NS_PER_TICK if since_1970 > 0 else None


def read_sei(codec: Codec, nal: Buffer) -> SignedDocument | None:
    """The signing SEI in `nal` (without start code and trailing zeros); None for any other NAL unit. Raises MalformedSei."""
    if not is_signing_sei(codec, nal):
        return None
    if len(nal) > LARGEST_SEI_BYTES:
        raise MalformedSei(f"a signing SEI of {len(nal)} bytes")
    raw, body = _payload(codec, bytes(nal))
    reserved = raw[body + len(SIGNING_UUID)]
    start = body + len(SIGNING_UUID) + 1
    fields, signature_at = _fields(raw, start, len(raw) - 1)
    before = raw[:signature_at]
    signature = _signature(fields[_SIGNATURE])
    firmware, serial, manufacturer = _vendor(fields.get(_VENDOR, b""))
    certificates = fields.get(_CERTIFICATES, b"")[2:]
    signed = escape(before) if reserved & _ESCAPED_BEFORE_HASHING else before
    if fields.get(_CRYPTO, b"\1" + bytes((len(_SHA256_OID),)) + _SHA256_OID)[2 : 2 + len(_SHA256_OID)] != _SHA256_OID:
        raise MalformedSei("it uses another hash than SHA-256")
    told = _general(fields.get(_GENERAL))
    hashes = _hashes(fields.get(_HASHES, b""))
    if told is None and not reserved & _CERTIFICATE_SEI:
        raise MalformedSei("it tells nothing about a GOP")
    counter, partial, start_ns, end_ns, nals, gop_hash, link = told or (0, False, None, None, 0, b"", b"")
    document = Document(
        counter=counter,
        link=link,
        hashes=hashes,
        start_utc_ns=start_ns,
        end_utc_ns=end_ns,
        firmware=firmware,
        serial=serial,
        manufacturer=manufacturer,
        certificates=certificates,
        partial=partial,
    )
    return SignedDocument(
        document=document,
        signature=signature,
        signed=signed,
        listed=bool(hashes),
        stated_gop_hash=gop_hash,
        stated_nals=nals,
        general=told is not None,
    )


def _payload(codec: Codec, nal: bytes) -> tuple[bytes, int]:
    """The NAL unit without emulation prevention, and where the UUID begins. Old signers left the prevention out: the stated size tells."""
    at, size = len(_HEADERS[codec]) + 1, 0
    while at < len(nal) and nal[at] == 0xFF:
        size, at = size + 255, at + 1
    if at >= len(nal):
        raise MalformedSei("it is cut off")
    size, at = size + nal[at], at + 1
    whole = at + size + len(_STOP)
    raw = nal if len(nal) == whole else unescape(nal)
    if len(raw) != whole or raw[-1:] != _STOP or size <= len(SIGNING_UUID):
        raise MalformedSei(f"it states {size} bytes and has {len(raw) - at - 1}")
    return raw, at


def _fields(raw: bytes, at: int, end: int) -> tuple[dict[int, bytes], int]:
    """Values by tag and where the signature's field begins, which must be the last one."""
    found: dict[int, bytes] = {}
    while at + 3 <= end:
        tag, length = raw[at], int.from_bytes(raw[at + 1 : at + 3], "big")
        value = raw[at + 3 : at + 3 + length]
        if at + 3 + length > end or tag in found:
            break
        found[tag] = value
        if tag == _SIGNATURE:
            if at + 3 + length != end:
                break
            return found, at
        at += 3 + length
    raise MalformedSei("its fields do not add up, or it is not signed")


def _signature(value: bytes) -> bytes:
    length = int.from_bytes(value[1:3], "big")
    if value[:1] != b"\1" or not 0 < length <= len(value) - 3:
        raise MalformedSei("its signature field does not read")
    return value[3 : 3 + length]


def _general(value: bytes | None) -> tuple[int, bool, int | None, int | None, int, bytes, bytes] | None:
    """(counter, partial, start, end, slices, GOP hash, link); version 1, of older signers, has one time only."""
    if value is None:
        return None
    version = value[0] if value else 0
    if _GENERAL_BYTES.get(version) != len(value):
        raise MalformedSei(f"its general field (version {version}) has {len(value)} bytes")
    partial, at = value[4] != 0, 5
    times = [_utc_ns(int.from_bytes(value[place : place + 8], "big")) for place in range(at, at + 8 * version, 8)]
    at += 8 * version
    counter, nals = int.from_bytes(value[at : at + 4], "big"), int.from_bytes(value[at + 4 : at + 6], "big")
    at += 6
    end = times[1] if version > 1 else None
    return counter, partial, times[0], end, nals, value[at : at + HASH_BYTES], value[at + HASH_BYTES :]


def _hashes(value: bytes) -> tuple[bytes, ...]:
    if not value:
        return ()
    count, rest = divmod(len(value) - 1, HASH_BYTES)
    if value[0] != 1 or rest or count > LARGEST_HASHES:
        raise MalformedSei("its hash list does not read")
    return tuple(value[at : at + HASH_BYTES] for at in range(1, len(value), HASH_BYTES))


def _vendor(value: bytes) -> tuple[str, str, str]:
    texts: list[str] = []
    at = 1
    while at < len(value) and len(texts) < 3:
        texts.append(value[at + 1 : at + 1 + value[at]].decode("utf-8", "replace"))
        at += 1 + value[at]
    texts += [""] * (3 - len(texts))
    return texts[0], texts[1], texts[2]
