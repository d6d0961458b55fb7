"""clip.json: what a node states about a clip it hands out, signed as a whole (clip.json.jws, RFC 7515 appendix F, ES256)."""

from __future__ import annotations

import msgspec

from edge.messages.clip import ClipFile, ClipRequest, GapSpan

STATEMENT_NAME = "clip.json"
SIGNATURE_NAME = "clip.json.jws"
REPORT_NAMES = {"pl": "report.pl.html", "en": "report.en.html"}
STATEMENT_TYPE = "edge-clip+jws"
CHECKPOINT_TYPE = "edge-checkpoint+jws"
"""`typ` in the headers of the two kinds of JWS: one cannot be passed off as the other."""


class JournalProof(msgspec.Struct, frozen=True, kw_only=True):
    """Journal lines, verbatim and without a hole, from the first that speaks of the clip's footage (or of a gap in it) to the head that
    `checkpoint` (a compact JWS of CheckpointClaims) signs for this journal."""

    journal: str
    epoch: str
    lines: list[str]
    checkpoint: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """made: UTC. camera_name, place: for people. records: proofs of the segments the files are made of; empty where the journal does not
    reach so far. assurance: file or hardware. certificates: PEM, leaf first. masks_sha256: of the privacy masks in force, "" for none."""

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
