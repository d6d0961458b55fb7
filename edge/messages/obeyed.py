"""Records of what the centre asked for and what became of it."""

from __future__ import annotations

from typing import Any

import msgspec


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command arrived; what was decided. state as in ClipState, or "refused"."""

    id: str
    verb: str
    operator: str
    case: str
    state: str
    code: str = ""
    text: str = ""


class ClipDone(msgspec.Struct, frozen=True, kw_only=True):
    """The final word on a clip job (done/failed/cancelled). files: of the manifest, ClipFile and then Attachment."""

    id: str
    state: str
    code: str = ""
    text: str = ""
    files: list[dict[str, Any]] = []
