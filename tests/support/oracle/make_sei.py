"""Signing SEIs of every shape that the format allows, also of those our node never makes: input for readers, built field by field."""

from __future__ import annotations

from typing import Any

from tests.support.oracle import signing_sei as fields
from tests.support.oracle.nal_units import with_prevention

HEADERS = {("h264", "prefix"): b"\x06", ("h265", "prefix"): b"\x4e\x01", ("h265", "suffix"): b"\x50\x01"}


def general(said: dict[str, Any]) -> bytes:
    parts = [bytes((said["version"], 25, 12, 0, said["partial"])), said["start"].to_bytes(8, "big")]
    if said["version"] == 2:
        parts.append(said["end"].to_bytes(8, "big"))
    parts += [said["counter"].to_bytes(4, "big"), said["count"].to_bytes(2, "big"), said["gop_hash"], said["link"]]
    return b"".join(parts)


def tlv(tag: int, value: bytes) -> bytes:
    return bytes((tag,)) + len(value).to_bytes(2, "big") + value


def values(said: dict[str, Any]) -> list[tuple[int, bytes]]:
    """(tag, value) of every field but the signature, for the keys that are there."""
    found = [(fields.CRYPTO, b"\x01\x0b" + fields.SHA256_OID + bytes(3))]
    if "firmware" in said:
        texts = [said[name].encode() for name in ("firmware", "serial", "manufacturer")]
        found.append((fields.VENDOR, b"\1" + b"".join(bytes((len(text),)) + text for text in texts)))
    if "certificates" in said:
        found.append((fields.CERTIFICATES, b"\1\0" + said["certificates"]))
    if "counter" in said:
        found.append((fields.GENERAL, general(said)))
    if "hashes" in said:
        found.append((fields.HASH_LIST, b"\1" + b"".join(said["hashes"])))
    return found


def make(
    codec: str,
    tlvs: list[tuple[int, bytes]],
    signature: bytes,
    *,
    place: str = "prefix",
    flags: int = 0x40,
    prevention: bool = True,
    padding: bytes = b"",
) -> tuple[bytes, bytes]:
    """(NAL unit, the bytes the signature should be over)."""
    body = fields.UUID + bytes((flags,)) + b"".join(tlv(tag, value) for tag, value in tlvs)
    last = tlv(fields.SIGNATURE, b"\1" + len(signature).to_bytes(2, "big") + signature + padding)
    size = len(body) + len(last)
    head = HEADERS[codec, place] + b"\x05" + b"\xff" * (size // 255) + bytes((size % 255,))
    signed = head + body
    whole = signed + last
    nal = (with_prevention(whole) if prevention else whole) + b"\x80"
    return nal, with_prevention(signed) if flags & 0x40 else signed
