"""clip.json: what a node states about a clip it hands out, signed as a whole (clip.json.jws, RFC 7515 appendix F, ES256)."""

from __future__ import annotations

from typing import Literal

import msgspec

from edge.messages.clip import ClipFile, ClipRequest, GapSpan

STATEMENT_NAME = "clip.json"
SIGNATURE_NAME = "clip.json.jws"
REPORT_NAMES = {"pl": "report.pl.html", "en": "report.en.html"}
MEDIA_TYPES = {STATEMENT_NAME: "application/json", SIGNATURE_NAME: "application/jose"} | dict.fromkeys(REPORT_NAMES.values(), "text/html")
STATEMENT_TYPE = "edge-clip+jws"
CHECKPOINT_TYPE = "edge-checkpoint+jws"
"""`typ` in the headers of the two kinds of JWS: one cannot be passed off as the other."""


RecordsNote = Literal[
    "",  # every segment of the files has its record in a proof
    "no_checkpoint",  # no signed checkpoint covers the records, and none could be made
    "not_in_journal",  # the journal has no record of some of the segments (it was begun anew, or damaged)
    "not_sealed",  # the newest footage was still being written: its record did not exist yet
    "too_large",  # from the records to a checkpoint there are more lines than a package carries
    "unreadable",  # the disk did not give the journal, or not without a hole
]


class JournalProof(msgspec.Struct, frozen=True, kw_only=True):
    """Journal lines, verbatim and without a hole, from the first that speaks of the clip's footage (or of a gap in it) to the head that
    `checkpoint` (a compact JWS of CheckpointClaims) signs for this journal."""

    journal: str
    epoch: str
    lines: list[str]
    checkpoint: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """made: UTC; clock, clock_error_ms: how far to believe it (each file states the clock of its pictures). camera_name, place: for people.
    records: proofs of the segments the files are made of; records_note: what they lack. fingerprint, assurance (file or hardware),
    certificates (PEM, leaf first): of the key that signs, "" where nothing does. masks_sha256, config_sha256: of the privacy masks ("" for
    none) and of the configuration in force when the newest of the segments was recorded, by its record."""

    v: int = 1
    node: str
    place: str
    timezone: str
    camera: str
    camera_name: str
    version: str
    made: str
    clock: str
    clock_error_ms: float | None
    request: ClipRequest
    files: list[ClipFile]
    gaps: list[GapSpan]
    records: list[JournalProof]
    fingerprint: str
    assurance: str
    certificates: str
    masks_sha256: str = ""
    config_sha256: str = ""
    records_note: RecordsNote = ""
