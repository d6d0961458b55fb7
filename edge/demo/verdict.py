"""The demo's last word: what must have held, counted from the journals, the ring and the receiver - not from what the demo believes."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import msgspec

from edge.clock import monotonic_s
from edge.demo.story import ClipStory
from edge.demo.town import Town
from edge.journal.reader import JournalReader
from edge.ring.check import check
from edge.ring.names import RingFolder
from edge.ring.query import RingReader
from edge.seal.trust import read_roots
from edge.seal.verify import verify
from edge.services.seal_check import check_seals

DRAIN_S = 15.0
_ALL_NS = (0, 1 << 62)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """clip_sha256_*: of the first file (of their hashes, joined, when there are several). first_byte_ms: from the request to the first byte
    at the receiver's door. ring_check: "ok" or the broken invariants, signatures included. verdict: of the verifier on what arrived."""

    segments: int
    gaps: int
    events_published: int
    events_received: int
    events_lost: int
    clip_sha256_sent: str
    clip_sha256_received: str
    resumes: int
    first_byte_ms: float | None
    done_ms: float | None
    ring_check: str
    verdict: str

    @property
    def held(self) -> bool:
        return (
            self.segments > 0
            and self.events_lost == 0
            and self.events_received > 0
            and bool(self.clip_sha256_sent)
            and self.clip_sha256_sent == self.clip_sha256_received
            and self.resumes > 0
            and self.ring_check == "ok"
            and self.verdict == "AUTHENTIC"
        )


def published(town: Town) -> dict[str, int]:
    """Journal -> its newest sequence number on the node's disk."""
    heads: dict[str, int] = {}
    for folder in sorted((town.data / "journal").iterdir()):
        last = JournalReader(town.disk, folder).last()
        if last is not None:
            heads[folder.name] = last.seq
    return heads


def drain(town: Town, heads: dict[str, int]) -> dict[str, int]:
    """Waits until the centre has stored everything up to `heads`, at most DRAIN_S. Returns what it has stored, per journal."""
    deadline_s = monotonic_s() + DRAIN_S
    pause = threading.Event()
    while True:
        marks = town.centre.ack(town.node_name).watermarks
        stored = {name: min(seq, marks[name].upto if name in marks else 0) for name, seq in heads.items()}
        if stored == heads or monotonic_s() > deadline_s:
            return stored
        pause.wait(0.2)


def summarise(town: Town, clip: ClipStory | None, heads: dict[str, int], stored: dict[str, int]) -> Summary:
    """After the node has stopped."""
    reader = RingReader(town.disk, town.data, town.clock, "")
    cameras = [camera.id for camera in town.config.camera]
    findings = [*check(town.disk, town.data).findings, *check_seals(town.disk, town.data)[0]]
    published_records, received = sum(heads.values()), sum(stored.values())
    files = clip.manifest.files if clip is not None and clip.manifest is not None else []
    paths = [town.clips / town.node_name / clip.handle.id / file.name for file in files] if clip is not None else []
    first_up_s = town.uplink.first_up_s.get(town.receiver.port)
    return Summary(
        segments=sum(1 for camera in cameras for _ in RingFolder(town.disk, town.data / "ring" / camera).all()),
        gaps=sum(_gaps(reader, camera) for camera in cameras),
        events_published=published_records,
        events_received=received,
        events_lost=published_records - received,
        clip_sha256_sent=_joined([file.sha256 for file in files]),
        clip_sha256_received=_joined([_sha256(path) for path in paths]),
        resumes=clip.resumes if clip is not None else 0,
        first_byte_ms=round((first_up_s - clip.asked_s) * 1000, 1) if clip is not None and first_up_s is not None else None,
        done_ms=round((clip.done_s - clip.asked_s) * 1000, 1) if clip is not None and clip.done_s is not None else None,
        ring_check="; ".join(f"invariant {found.invariant}: {found.camera} {found.text}" for found in findings) or "ok",
        verdict=_verdict(town, clip) if clip is not None and paths else "",
    )


def _verdict(town: Town, clip: ClipStory) -> str:
    """As `edge verify` would print it, on the folder that the centre received."""
    return verify(town.clips / town.node_name / clip.handle.id, read_roots(town.trust)).verdict


def _gaps(reader: RingReader, camera: str) -> int:
    """Holes between the first picture and the last."""
    segments = reader.segments(camera, *_ALL_NS)
    if not segments:
        return 0
    return len(reader.timeline(camera, segments[0].start_utc_ns, segments[-1].end_utc_ns).gaps)


def _joined(hashes: list[str]) -> str:
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest() if hashes else ""


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
