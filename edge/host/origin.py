"""Where an HTTP peer may send us: only to the origin (scheme, host, port) that was configured. Pure."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit, urlunsplit

_PORTS = {"http": 80, "https": 443}
_WRITABLE = re.compile(r"[!-~]+")
"""What may stand in a request line: no blanks, no control characters, ASCII alone (RFC 3986)."""


def origin(url: str) -> tuple[str, str, int]:
    """(scheme, host, port). Raises ValueError for anything but http and https with a host."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is not an http(s) address")
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def on_our_origin(asked: str, location: str) -> str | None:
    """Where a Location leads: always an address on the origin that was asked, else None.

    A server behind a proxy that terminates TLS often names its inner scheme or port: on the same host the path counts and our own
    scheme and port stay. Another host is refused: a token and footage go to the configured destination only.
    """
    try:
        target = urljoin(asked, location)
        _, host, _ = origin(target)
        _, our_host, _ = origin(asked)
    except ValueError:
        return None
    if host != our_host or not _WRITABLE.fullmatch(target):
        return None
    ours, theirs = urlsplit(asked), urlsplit(target)
    return urlunsplit((ours.scheme, ours.netloc, theirs.path, theirs.query, ""))
