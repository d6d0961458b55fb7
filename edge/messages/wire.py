"""MQTT payloads other than records and clips. Topic table: edge/link/topics.py."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from edge.messages.clip import ClipState, Manifest


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Retained `status`; the will carries state=offline, why=will with the same session, so that an old will cannot hide a new birth.

    nonce: random for each process; by a foreign one a node sees that another carries its identity."""

    v: int = 1
    state: Literal["online", "offline"]
    why: Literal["boot", "reconnect", "shutdown", "will"]
    boot: str
    session: int
    t: str
    nonce: str = ""
    version: str = ""
    journals: dict[str, str] = {}
    """Journal name -> epoch, of all journals that are published."""


class CameraInfo(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str = ""


class NodeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Retained `info`: what does not change while the configuration stays."""

    v: int = 1
    node: str
    version: str
    boot: str
    place: str
    hw: str
    timezone: str
    cameras: list[CameraInfo]
    commands: list[str]
    """Verbs this node obeys; empty without a command key."""
    config_sha256: str = ""
    health_s: float | None = None
    """Time between health documents."""
    checkpoint_s: float | None = None
    """Time between signed checkpoints; null where none are made."""
    certificates: str = ""
    """PEM of the certificate that the node signs with, then of authorities between it and the root; "" while there is none."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One journal record, verbatim: `record` is the line's exact bytes, so that the chain can be checked by the centre.

    epoch: names one life of a journal (first 16 hex of the SHA-256 of its first line)."""

    v: int = 1
    node: str
    journal: str
    epoch: str
    record: msgspec.Raw


class JournalGap(msgspec.Struct, frozen=True, kw_only=True):
    """Records from_seq..to_seq of a journal will never be sent. why: missing (no longer in the journal, or not readable there), too_large
    (for this broker), set_aside (the connection broke each time it was sent). sha256: of the last missing line, so that the next record's
    `prev` still proves the chain; "" where unknown."""

    v: int = 1
    node: str
    journal: str
    epoch: str
    from_seq: int
    to_seq: int
    why: Literal["missing", "too_large", "set_aside"]
    sha256: str = ""


class Watermark(msgspec.Struct, frozen=True, kw_only=True):
    """resend: the centre saw a later record and could not take it: send from upto + 1 again."""

    epoch: str
    upto: int
    resend: bool = False


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """Retained `ack`: the centre has stored every record of the journal up to and including `upto`."""

    v: int = 1
    watermarks: dict[str, Watermark]


class AlarmState(msgspec.Struct, frozen=True, kw_only=True):
    """Retained `alarm/<code>`: the last AlarmRaised of that code. since: of the last change. source: the journal it stands in."""

    v: int = 1
    active: bool
    severity: Literal["info", "warning", "critical"]
    since: str
    text: str
    todo: str = ""
    value: float | None = None
    threshold: float | None = None
    source: str = ""


class Motion(msgspec.Struct, frozen=True, kw_only=True):
    """Retained `motion/<camera>`: a property for dashboards."""

    v: int = 1
    active: bool
    id: str
    since: str
    score: float
    zones: list[str] = []


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to a command on `resp/<verb>`."""

    v: int = 1
    id: str
    state: ClipState
    code: str = ""
    text: str = ""
    manifest: Manifest | None = None
    data: dict[str, Any] = {}
    """What the verb answers: see the verb."""


class CommandClaims(msgspec.Struct, frozen=True, kw_only=True):
    """Claims of a command JWS (ES256). iat/exp: seconds since 1970; exp - iat <= 600. boot: the node's boot id, which takes the place of
    the time where the node's clock cannot be trusted (a command without it is refused then)."""

    id: str
    verb: str
    aud: str
    iat: int
    exp: int
    operator: str
    case: str = ""
    boot: str = ""
    args: dict[str, Any] = {}
