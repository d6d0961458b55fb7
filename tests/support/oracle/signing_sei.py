"""A signing SEI as a dict of what it says: written from ONVIF's Media Signing specification and the format notes, for the oracle alone.

Nothing is judged here but the form. Whatever does not read gives None and a reason.
"""

from __future__ import annotations

from typing import Any

from tests.support.oracle.nal_units import is_sei, with_prevention, without_prevention

UUID = bytes.fromhex("005bc93f2d715e95ada4796f90877a6f")
GENERAL, HASH_LIST, SIGNATURE, CRYPTO, VENDOR, CERTIFICATES = 1, 2, 3, 4, 5, 6
SHA256_OID = bytes.fromhex("0609608648016503040201")


class Unreadable(Exception):
    """It has the UUID and does not read."""


def has_uuid(codec: str, nal: bytes) -> bool:
    if not is_sei(codec, nal):
        return False
    at = 1 if codec == "h264" else 2
    if len(nal) <= at or nal[at] != 5:
        return False
    at += 1
    while at < len(nal) and nal[at] == 255:
        at += 1
    return nal[at + 1 : at + 17] == UUID


def read(codec: str, nal: bytes) -> dict[str, Any]:
    """Raises Unreadable. Keys: signed, signature, and of the fields that are there: counter, partial, start, end, count, gop_hash, link,
    hashes, firmware, serial, manufacturer, certificates."""
    at = 2 if codec == "h264" else 3
    size = 0
    while at < len(nal) and nal[at] == 255:
        size += 255
        at += 1
    if at >= len(nal):
        raise Unreadable("no payload size")
    size += nal[at]
    at += 1
    raw = nal if len(nal) == at + size + 1 else without_prevention(nal)
    if len(raw) != at + size + 1 or raw[-1] != 0x80:
        raise Unreadable("the payload size is wrong")
    if size < 17:
        raise Unreadable("no room for the reserved byte")
    flags = raw[at + 16]
    said: dict[str, Any] = {"flags": flags}
    _walk(raw, at + 17, len(raw) - 1, said)
    if flags & 0x40:
        said["signed"] = with_prevention(said["signed"])
    if "counter" not in said and not flags & 0x80:
        raise Unreadable("no general field")
    return said


def _walk(raw: bytes, at: int, end: int, said: dict[str, Any]) -> None:
    seen = set()
    while at + 3 <= end:
        tag, length = raw[at], raw[at + 1] * 256 + raw[at + 2]
        value = raw[at + 3 : at + 3 + length]
        if at + 3 + length > end:
            raise Unreadable("a field is longer than the rest")
        if tag in seen:
            raise Unreadable("a field stands twice")
        seen.add(tag)
        if tag == SIGNATURE:
            if at + 3 + length != end:
                raise Unreadable("something follows the signature")
            said["signed"] = raw[:at]
            said["signature"] = _signature(value)
            return
        if tag in _READERS:
            _READERS[tag](value, said)
        at += 3 + length
    raise Unreadable("no signature")


def _general(value: bytes, said: dict[str, Any]) -> None:
    if len(value) == 83 and value[0] == 1:
        times, rest = [value[5:13]], value[13:]
    elif len(value) == 91 and value[0] == 2:
        times, rest = [value[5:13], value[13:21]], value[21:]
    else:
        raise Unreadable("the general field has another length than its version")
    said["version"] = value[0]
    said["partial"] = value[4] != 0
    said["start"] = int.from_bytes(times[0], "big")
    said["end"] = int.from_bytes(times[-1], "big") if len(times) == 2 else None
    said["counter"] = int.from_bytes(rest[0:4], "big")
    said["count"] = int.from_bytes(rest[4:6], "big")
    said["gop_hash"] = rest[6:38]
    said["link"] = rest[38:70]


def _hash_list(value: bytes, said: dict[str, Any]) -> None:
    if value == b"":
        return
    if value[0] != 1 or (len(value) - 1) % 32 != 0 or len(value) > 1 + 32 * 20_000:
        raise Unreadable("the hash list has no whole number of hashes")
    said["hashes"] = []
    for at in range(1, len(value), 32):
        said["hashes"].append(value[at : at + 32])


def _crypto(value: bytes, said: dict[str, Any]) -> None:
    if value[2 : 2 + len(SHA256_OID)] != SHA256_OID:
        raise Unreadable("another hash algorithm")


def _vendor(value: bytes, said: dict[str, Any]) -> None:
    at = 1
    for name in ("firmware", "serial", "manufacturer"):
        length = value[at] if at < len(value) else 0
        said[name] = value[at + 1 : at + 1 + length].decode("utf-8", "replace")
        at += 1 + length


def _certificates(value: bytes, said: dict[str, Any]) -> None:
    said["certificates"] = value[2:]


_READERS = {GENERAL: _general, HASH_LIST: _hash_list, CRYPTO: _crypto, VENDOR: _vendor, CERTIFICATES: _certificates}


def _signature(value: bytes) -> bytes:
    if len(value) < 4 or value[0] != 1:
        raise Unreadable("the signature field is too short")
    size = value[1] * 256 + value[2]
    if size == 0 or 3 + size > len(value):
        raise Unreadable("the signature is longer than its field")
    return value[3 : 3 + size]
