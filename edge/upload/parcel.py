"""What a job delivers: clips, then what goes with them, and how a receiver and a manifest are told of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from edge.messages.clip import Attachment, ClipFile, Manifest
from edge.upload.send import Source

VIDEO = "video/mp4"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One file. clip: what the manifest says of it, None for what goes with the clips."""

    source: Source
    told: Attachment
    clip: ClipFile | None = None


def clip_file(clip: Source, file: ClipFile) -> Parcel:
    """A clip, as its manifest states it."""
    return Parcel(clip, Attachment(name=file.name, bytes=file.bytes, sha256=file.sha256, kind=VIDEO), file)


def listing(manifest: Manifest, delivered: Sequence[Parcel]) -> Manifest:
    """Only what arrived."""
    files = [each.clip for each in delivered if each.clip is not None]
    return msgspec.structs.replace(manifest, files=files, attachments=[each.told for each in delivered if each.clip is None])


def metadata_of(node: str, request_id: str, name: str, sha256: str, kind: str = VIDEO) -> dict[str, str]:
    """What a receiver is told of a file. filename and filetype are what receivers in general look for."""
    return {"node": node, "request": request_id, "name": name, "sha256": sha256, "filename": name, "filetype": kind}
