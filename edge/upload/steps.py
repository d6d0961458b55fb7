"""The vocabulary of an upload: the file on offer, what to do next, what came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """All that can be turned. `kept_nothing_bytes`: sent in cut PATCHes without the offset moving; then something in between buffers
    whole requests, and PATCHes shrink to `small_patch_bytes`, then by halves to `least_patch_bytes`."""

    patch_bytes: int = 8 << 20
    small_patch_bytes: int = 512 << 10
    least_patch_bytes: int = 64 << 10
    kept_nothing_bytes: int = 2 << 20
    backoff_min_s: float = 1.0
    backoff_max_s: float = 60.0
    lock_wait_s: float = 5.0
    confirm_tries: int = 12
    confirm_wait_s: float = 1.0
    corrupt_tries: int = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """The file to deliver: sha256 in hex, size in bytes, metadata for the receiver."""

    creation_url: str
    size: int
    sha256: str
    metadata: Mapping[str, str] = field(default_factory=dict)


LATER = (408, 425, 429)
"""Statuses below 500 that say "not now"."""


# What to do next.
@dataclass(frozen=True, slots=True)
class Options:
    pass


@dataclass(frozen=True, slots=True)
class Create:
    pass


@dataclass(frozen=True, slots=True)
class Remember:
    """Make the URL, size and hash durable, then say `Remembered`."""

    url: str


@dataclass(frozen=True, slots=True)
class Head:
    url: str


@dataclass(frozen=True, slots=True)
class Patch:
    """Send bytes [offset, offset + length). checksum: "sha256" or "sha1" to send Upload-Checksum, "" for none."""

    url: str
    offset: int
    length: int
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Any request. body: with all bytes of the file. read: hash the answer's body (Reply.body_sha256)."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bool = False
    read: bool = False


@dataclass(frozen=True, slots=True)
class Rehash:
    """Read our own file again and say `Hashed`."""

    then: Create | Patch | Ask


@dataclass(frozen=True, slots=True)
class Wait:
    """At most `seconds`: with jitter a uniform draw from 0..seconds ("full jitter"), but never under `least_s`."""

    seconds: float
    then: Options | Create | Head | Ask
    why: str
    jitter: bool = True
    least_s: float = 0.0


def back_off(limits: Limits, failures: int, then: Options | Create | Head | Ask, why: str, least_s: float = 0.0) -> Wait:
    """Twice as long for each failure so far (at least one), within the limits. least_s: as the server asks."""
    seconds = min(limits.backoff_min_s * 2.0 ** min(failures - 1, 30), limits.backoff_max_s)
    return Wait(seconds, then, why, least_s=min(least_s, limits.backoff_max_s))


@dataclass(frozen=True, slots=True)
class Done:
    url: str


@dataclass(frozen=True, slots=True)
class Failed:
    code: str
    text: str


def moved_off(reply: Reply) -> Failed | None:
    """For a redirect that was not followed: method and body would be lost, or it leads away from the configured origin."""
    if not 300 <= reply.status < 400:
        return None
    location = reply.headers.get("location", "")[:200]
    text = f"the server sends us on with {reply.status} to {location or 'nowhere'}: 307 and 308 on its own host alone are followed"
    return Failed("off_origin", text)


def changed(offer: Offer, sha256: str) -> Failed | None:
    """None while our own file is the one on offer."""
    if sha256 == offer.sha256:
        return None
    return Failed("source_changed", f"our own file changed: SHA-256 {sha256}, was {offer.sha256}")


Action = Options | Create | Remember | Head | Patch | Ask | Rehash | Wait | Done | Failed
Request = Options | Create | Head | Patch


# What came back.
@dataclass(frozen=True, slots=True)
class Reply:
    """headers: names in lower case. sent_bytes: of the body, as far as handed to the network. body_bytes, body_sha256 (hex): of the
    answer's body, where it was asked for."""

    status: int
    headers: Mapping[str, str]
    sent_bytes: int = 0
    body_bytes: int = 0
    body_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """No answer: refused, reset, timed out, cut."""

    why: str
    sent_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Waited:
    pass


@dataclass(frozen=True, slots=True)
class Remembered:
    pass


@dataclass(frozen=True, slots=True)
class Hashed:
    sha256: str


Happening = Reply | Broken | Waited | Remembered | Hashed
