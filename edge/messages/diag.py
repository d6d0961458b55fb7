"""What a crew needs to know of a node that is in trouble: the answer to `diag`, and what `edge diag` shows. Nothing secret is in it."""

from __future__ import annotations

from typing import Any

import msgspec

from edge.messages.health import HealthDocument, LinkHealth


class RingDiag(msgspec.Struct, frozen=True, kw_only=True):
    """One camera's footage. bytes_about: the number of segments times what the newest ones take."""

    camera: str
    segments: int
    days: int
    undated: int
    bytes_about: int | None = None
    oldest: str | None = None
    newest: str | None = None


class JournalDiag(msgspec.Struct, frozen=True, kw_only=True):
    """One writer. starts, gaps: of the last day, by how the run before ended and by reason. complete: false where only the newest records
    were looked at."""

    name: str
    last_seq: int | None = None
    last_t: str | None = None
    last_start: str | None = None
    starts: dict[str, int] = {}
    gaps: dict[str, int] = {}
    complete: bool = True


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A journal record that tells of trouble; of its facts what is short, and no names of people or cases."""

    journal: str
    seq: int
    t: str
    clock: str
    type: str
    camera: str | None = None
    facts: dict[str, Any] = {}


class LinkNote(msgspec.Struct, frozen=True, kw_only=True):
    """<run>/_agent/link.json: the link as the agent last saw it. trouble: why the last attempt failed or the connection ended, and when;
    next_attempt_s: the back-off chosen then. connected_t: of the newest connection."""

    t: str
    boot: str
    pid: int
    broker: str
    link: LinkHealth
    connected_t: str | None = None
    trouble: str = ""
    trouble_t: str | None = None
    next_attempt_s: float | None = None


class CertificateDiag(msgspec.Struct, frozen=True, kw_only=True):
    """key: of the configuration. fault: why it cannot be read."""

    key: str
    subject: str = ""
    not_after: str | None = None
    days_left: float | None = None
    fault: str = ""


class ConfigDiag(msgspec.Struct, frozen=True, kw_only=True):
    """in_force: SHA-256 of the bytes in force here; on_disk: of the file as it is now. errors: why the file cannot be used. trial: "<state>
    <id>" of a change from afar that has not ended yet."""

    in_force: str
    on_disk: str | None
    errors: list[str] = []
    trial: str = ""


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """left_out: entries of a list that did not fit."""

    v: int = 1
    health: HealthDocument
    packages: dict[str, str]
    python: str
    free_inodes: int | None
    config: ConfigDiag
    rings: list[RingDiag]
    journals: list[JournalDiag]
    alarms: list[str]
    link: LinkNote | None
    certificates: list[CertificateDiag]
    supervisor: list[str] | None
    """Units that can be restarted from afar; null where none can."""
    kernel: list[str]
    """Newest kernel messages about storage, power and memory; empty also where they may not be read."""
    troubles: list[Trouble]
    left_out: dict[str, int] = {}
