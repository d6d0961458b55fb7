"""Byte ranges and entity tags of HTTP (RFC 9110, 13.1 and 14), as far as one range of one file needs them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_RANGE = re.compile(r"bytes=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*", re.ASCII | re.IGNORECASE)


class OutOfReach(ValueError):
    """No byte of the file is in the range: 416."""


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """[first, end) of the file's bytes. None: the whole file, since the header asks for nothing, for several ranges, or in words that are
    not understood - all of which a server may answer so (14.2). Raises OutOfReach."""
    found = _RANGE.fullmatch(header.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        length = min(int(last), size)
        if length == 0:
            raise OutOfReach
        return size - length, size
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise OutOfReach
    return int(first), min(int(last) + 1, size) if last else size


def asked_range(headers: Mapping[str, str], etag: str, size: int) -> tuple[int, int] | None:
    """As `byte_range`; the whole file too where If-Range names another one, or a date: this server gives none. etag: quoted, strong."""
    wanted = headers.get("range", "")
    if not wanted or headers.get("if-range", etag).strip() != etag:
        return None
    return byte_range(wanted, size)


def is_unchanged(headers: Mapping[str, str], etag: str) -> bool:
    """If-None-Match names it: 304."""
    return _names(headers.get("if-none-match", ""), etag, weak=True)


def is_another(headers: Mapping[str, str], etag: str) -> bool:
    """If-Match names others only: 412."""
    return "if-match" in headers and not _names(headers["if-match"], etag, weak=False)


def _names(header: str, etag: str, *, weak: bool) -> bool:
    tags = [each.strip() for each in header.split(",")]
    return "*" in tags or etag in tags or (weak and f"W/{etag}" in tags)
