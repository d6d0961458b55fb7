"""Records of footage that left the node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from edge.messages.clip import Manifest
from edge.messages.evidence import Exported, ExportedFile
from edge.messages.package import STATEMENT_NAME

FILES_IN_RECORD = 64
"""So that a record stays far below its limit; a clip of more files has several records."""


def exported_of(manifest: Manifest, how: Literal["file", "upload", "pull"]) -> list[Exported]:
    """Of all files of the manifest; none where it has none."""
    request = manifest.request
    files = [ExportedFile(name=each.name, bytes=each.bytes, sha256=each.sha256) for each in manifest.files]
    statement = next((each.sha256 for each in manifest.attachments if each.name == STATEMENT_NAME), "")
    return [
        Exported(
            id=request.id,
            operator=request.operator,
            case=request.case,
            recipient=request.recipient,
            basis=request.basis,
            camera_id=request.camera,
            start=request.start,
            end=request.end,
            files=group,
            how=how,
            statement_sha256=statement,
        )
        for group in _groups(files)
    ]


def _groups(files: Sequence[ExportedFile]) -> Iterator[list[ExportedFile]]:
    left = iter(files)
    while group := list(islice(left, FILES_IN_RECORD)):
        yield group
