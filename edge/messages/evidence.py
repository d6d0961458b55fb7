"""What the journals say about keys, signatures and custody; what a checkpoint signs."""

from __future__ import annotations

from typing import Literal

import msgspec

from edge.clock import ClockState


class KeyNews(msgspec.Struct, frozen=True, kw_only=True):
    """The signing key of the process that writes this journal: in force, or why there is none. fingerprint: SHA-256 hex of the
    certificate's DER."""

    state: Literal["in_force", "off", "missing", "broken"]
    adapter: str = ""
    assurance: str = ""
    fingerprint: str = ""
    subject: str = ""
    not_after: str = ""
    text: str = ""


UnsignedReason = Literal[
    "off",  # no [seal] section: nothing is signed
    "no_key",  # the key or its certificate cannot be used
    "signer_slow",  # no signature before the next GOP's IDR
    "signer_failed",  # the signer answered with an error, or died
    "stream_changed",  # the stream it would have ridden in has another codec
    "damaged",  # the interrupted GOP could not be read again
]


class UnsignedGops(msgspec.Struct, frozen=True, kw_only=True):
    """GOPs stored without a signature. open: it began and lasts; else `gops` says how many there were. counter: of the first."""

    reason: UnsignedReason
    counter: int | None
    gops: int = 0
    open: bool = False
    text: str = ""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The newest record of a journal. sha256: of its line without the newline. epoch: as in Event."""

    journal: str
    epoch: str
    seq: int
    sha256: str


class CheckpointClaims(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of a checkpoint's JWS (ES256, by the node's seal key). clip: id of the clip it was made for, "" for the regular one."""

    v: int = 1
    node: str
    t: str
    clock: ClockState
    clock_error_ms: float | None
    boot: str
    mono_ms: int
    heads: list[Head]
    clip: str = ""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The heads of all journals, signed. jws: compact JWS of CheckpointClaims; its header names the certificate (x5t#S256)."""

    jws: str
    fingerprint: str


class Viewed(msgspec.Struct, frozen=True, kw_only=True):
    """A person looked at footage. what: timeline, snapshot, live, report ..."""

    operator: str
    case: str
    what: str
    camera_id: str
    start: str
    end: str


class ExportedFile(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    bytes: int
    sha256: str


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """Footage left the ring. how: file (written by the local tool), upload (delivered to the centre), pull (handed out over HTTPS: recorded
    before the first byte). statement_sha256: of clip.json."""

    id: str
    operator: str
    case: str
    recipient: str
    basis: str
    camera_id: str
    start: str
    end: str
    files: list[ExportedFile]
    how: Literal["file", "upload", "pull"]
    statement_sha256: str = ""


class ConfigInForce(msgspec.Struct, frozen=True, kw_only=True):
    """Another configuration than at the last start."""

    sha256: str
    before: str


class ConfigFault(msgspec.Struct, frozen=True, kw_only=True):
    """The new configuration is broken; the last good one is in force."""

    path: str
    errors: list[str]
    in_force_sha256: str


class ConfigTrial(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration from afar. id: of the command, or "desired-<version>". wanted, before: SHA-256 of the documents. accepted: it is
    tried; in_force: it was confirmed; rolled_back: the node runs on `before` again, and why says for what reason; rejected: it was never
    tried."""

    id: str
    operator: str
    case: str
    state: Literal["accepted", "in_force", "rolled_back", "rejected"]
    wanted: str
    before: str
    version: int = 0
    why: str = ""


class Throttled(msgspec.Struct, frozen=True, kw_only=True):
    """The board is too hot (or no longer): what the camera is asked for from now on. level: 0 as configured."""

    level: int
    celsius: float
    fps: float
    width: int
    height: int

    def describe(self) -> str:
        """For people."""
        return f"{self.celsius:.0f} °C: {self.width}x{self.height} at {self.fps:g} fps"


class Decommission(msgspec.Struct, frozen=True, kw_only=True):
    """This node is taken out of service and wiped. begun: before anything is destroyed; ended: after the footage, before the journals and
    the configuration. journals: whether they stay on the data partition. wiped, remains: one sentence each, as printed."""

    node: str
    by: str
    why: str
    state: Literal["begun", "ended"]
    journals: Literal["kept", "wiped"]
    wiped: list[str] = []
    remains: list[str] = []


EvidenceFacts = (
    KeyNews | UnsignedGops | Checkpoint | Viewed | Exported | ConfigInForce | ConfigFault | ConfigTrial | Throttled | Decommission
)
FACTS: dict[str, type[msgspec.Struct]] = {
    "config_fault": ConfigFault,
    "config": ConfigInForce,
    "config_trial": ConfigTrial,
    "throttled": Throttled,
    "key": KeyNews,
    "unsigned": UnsignedGops,
    "checkpoint": Checkpoint,
    "view": Viewed,
    "export": Exported,
    "decommission": Decommission,
}
"""Tag word -> struct; with the others in records.FACTS."""
