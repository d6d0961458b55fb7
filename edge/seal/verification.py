"""The result of a verification: what `edge verify --json` prints, key by key. Keys and words stay; new ones may come."""

from __future__ import annotations

from typing import Literal

import msgspec

from edge.messages.clip import ClipRequest

Verdict = Literal["AUTHENTIC", "AUTHENTIC WITH GAPS", "PARTLY VERIFIED", "NOT AUTHENTIC", "UNSIGNED"]
EXIT_CODES: dict[Verdict, int] = {"AUTHENTIC": 0, "AUTHENTIC WITH GAPS": 2, "PARTLY VERIFIED": 3, "NOT AUTHENTIC": 4, "UNSIGNED": 5}
Agreement = Literal["match", "differs", "not_signed", "not_checked", "not_included"]
"""not_signed: nobody signed what it should be; not_checked: the file cannot tell; not_included: there is no such thing here."""


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """effect: contradicts, unverifiable, gap or note. code: a stable word, see edge/seal/words.py. count: how often. facts: of the first.
    file: where a package holds several."""

    effect: str
    code: str
    count: int
    facts: dict[str, str | int]
    file: str = ""


class GapFound(msgspec.Struct, frozen=True, kw_only=True):
    """start, end: RFC 3339 UTC, "" where not known. why: gops_missing, pictures_missing, other_span, time_hole, clock_set_back, hidden,
    declared, undeclared, file_missing. explained: the package's statement names it, with `reason` (a word of GapReason)."""

    why: str
    start: str
    end: str
    gops: int = 0
    pictures: int = 0
    explained: bool = False
    reason: str = ""
    file: str = ""


class Frames(msgspec.Struct, frozen=True, kw_only=True):
    """Pictures (access units). verified: by signatures in the stream. by_package: only by the hash that the statement signs. closing: not
    shown and not counted elsewhere, there to carry the last signature. missing: named by signatures and not in the file, where known."""

    total: int = 0
    verified: int = 0
    by_package: int = 0
    altered: int = 0
    missing: int = 0
    unverifiable: int = 0
    closing: int = 0


class SignedBy(msgspec.Struct, frozen=True, kw_only=True):
    """camera: "<node>/<camera>" as signed. trusted: the certificate leads to a root that was given, and was valid then. fingerprint: of
    the certificate. assurance: file, hardware, or "" where not stated."""

    camera: str
    camera_name: str = ""
    place: str = ""
    manufacturer: str = ""
    firmware: str = ""
    subject: str = ""
    fingerprint: str = ""
    other_fingerprints: list[str] = []
    assurance: str = ""
    trusted: bool = False
    why: str = ""
    not_before: str = ""
    not_after: str = ""


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """first: of the first signed picture; last: end of the last signed GOP; RFC 3339 UTC, "" where not signed. clock: trusted, holdover,
    untrusted, or "node" where only the node's own clock is behind them. error_ms: as stated. zone: IANA, for local times."""

    first: str = ""
    last: str = ""
    clock: str = ""
    error_ms: float | None = None
    zone: str = ""


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """Of GOPs within a span. contiguous: from first to last none is missing."""

    first: int | None = None
    last: int | None = None
    contiguous: bool = False
    spans: int = 0


class Checks(msgspec.Struct, frozen=True, kw_only=True):
    parameter_sets: Agreement = "not_checked"
    timing: Agreement = "not_checked"
    file_hash: Agreement = "not_included"
    statement: Agreement = "not_included"
    journal: Agreement = "not_included"


class FileFound(msgspec.Struct, frozen=True, kw_only=True):
    """container: mp4, fragmented mp4, matroska, annex b."""

    name: str
    bytes: int
    sha256: str
    container: str
    codec: str
    frames: Frames
    times: Times
    counters: Counters
    checks: Checks


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict and what it rests on. exit_code: of `edge verify`. not_proven: codes of what no signature says, see words.py. request:
    as the package states it; made: when the package was made. statement_sha256: of clip.json."""

    v: int = 1
    kind: Literal["file", "package"]
    name: str
    verdict: Verdict
    exit_code: int
    reasons: list[Reason]
    gaps: list[GapFound]
    frames: Frames
    signer: SignedBy | None
    times: Times
    counters: Counters
    checks: Checks
    files: list[FileFound]
    not_proven: list[str]
    request: ClipRequest | None = None
    made: str = ""
    statement_sha256: str = ""
