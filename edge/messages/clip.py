"""Clip requests, answers, manifests."""

from __future__ import annotations

from typing import Literal

import msgspec

from edge.messages.records import GapReason

ClipState = Literal["accepted", "running", "done", "failed", "cancelled", "refused"]


class ClipRequest(msgspec.Struct, frozen=True, kw_only=True):
    """id: [A-Za-z0-9._-]{1,64}, chosen by the asker; the same id again is the same job. start/end: RFC 3339 UTC."""

    id: str
    camera: str
    start: str
    end: str
    operator: str = ""
    case: str = ""
    basis: str = ""
    """Legal basis of the hand-over, in the asker's words."""
    recipient: str = ""
    """Who the footage goes to."""


class GapSpan(msgspec.Struct, frozen=True, kw_only=True):
    start: str
    end: str
    reason: GapReason


class ClipFile(msgspec.Struct, frozen=True, kw_only=True):
    """One delivered file: one span and one parameter set. asked_*: the part of the request it answers; delivered_*: its first
    and last picture (whole GOPs; the edit list starts playback at asked_start). frames: samples in the file."""

    name: str
    bytes: int
    sha256: str
    codec: str
    asked_start: str
    asked_end: str
    delivered_start: str
    delivered_end: str
    frames: int
    span: str
    segments: list[int]
    clock: str


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the package beside the clips: clip.json, its signature, the reports. kind: media type."""

    name: str
    bytes: int
    sha256: str
    kind: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, what is delivered, what is missing and why."""

    request: ClipRequest
    node: str
    files: list[ClipFile]
    gaps: list[GapSpan]
    attachments: list[Attachment] = []


class JobProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Topic job/<id> and <data>/jobs/<id>/progress.json."""

    id: str
    state: ClipState
    sent_bytes: int = 0
    total_bytes: int = 0
    file: int = 0
    """Index of the file under way."""
    attempts: int = 0
    resumes: int = 0
    place: int = 0
    """In the line of those that wait for their turn, 1 for the next; 0: not in it. What else it waits for stands in the text."""
    code: str = ""
    text: str = ""
