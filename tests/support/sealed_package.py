"""Clip packages for tests, written straight from the message shapes: a folder with clips, clip.json, its signature and journal lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import msgspec

from edge.clock import format_utc
from edge.messages.clip import ClipFile, ClipRequest, GapSpan
from edge.messages.evidence import CheckpointClaims, Head
from edge.messages.package import CHECKPOINT_TYPE, SIGNATURE_NAME, STATEMENT_NAME, STATEMENT_TYPE, JournalProof, Statement
from edge.messages.records import Record, Segment
from edge.seal.jws import sign_compact, sign_detached
from edge.seal.signer import Identity
from tests.support.footage import BOOT, UTC_NS
from tests.support.video import NS_PER_S

NODE, CAMERA, JOURNAL = "pole-17", "gate", "rec-gate"
SPAN = f"{BOOT}/1"
"""As segment records name it; files name theirs by their first picture."""
NO_PREVIOUS = "0" * 64


def utc(second: float) -> str:
    """Of the test footage's timeline."""
    return format_utc(UTC_NS + round(second * NS_PER_S))


def segment_record(seq: int, start_s: float, end_s: float, params_sha256: str, span: str = SPAN) -> Segment:
    return Segment(
        seq=seq,
        name=f"{seq:09d}.mp4",
        span=span,
        start=utc(start_s),
        end=utc(end_s),
        start_mono_ms=0,
        duration_ms=round((end_s - start_s) * 1000),
        frames=0,
        fragments=0,
        bytes=0,
        sha256="",
        params_sha256=params_sha256,
        times_sha256="",
        clock="trusted",
        clock_error_ms=1.0,
        codec="h264",
        width=320,
        height=180,
    )


def journal_lines(segments: list[Segment], *, camera: str = CAMERA, first_seq: int = 41) -> list[str]:
    """Chained records."""
    lines: list[str] = []
    before = NO_PREVIOUS
    for number, facts in enumerate(segments):
        record = Record(
            seq=first_seq + number,
            t=facts.end or utc(0),
            clock="trusted",
            mono_ms=number,
            boot=BOOT,
            type="segment",
            camera=camera,
            facts=msgspec.Raw(msgspec.json.encode(facts)),
            prev=before,
        )
        lines.append(msgspec.json.encode(record).decode())
        before = sha256(lines[-1].encode()).hexdigest()
    return lines


def proof_of(lines: list[str], identity: Identity, *, node: str = NODE, epoch: str = "0123456789abcdef") -> JournalProof:
    seq = msgspec.json.decode(lines[-1], type=Record).seq
    head = Head(journal=JOURNAL, epoch=epoch, seq=seq, sha256=sha256(lines[-1].encode()).hexdigest())
    claims = CheckpointClaims(node=node, t=utc(60), clock="trusted", clock_error_ms=1.0, boot=BOOT, mono_ms=1, heads=[head])
    token = sign_compact(identity, CHECKPOINT_TYPE, msgspec.json.encode(claims))
    return JournalProof(journal=JOURNAL, epoch=epoch, lines=lines, checkpoint=token)


@dataclass(frozen=True)
class Draft:
    """A package before it is written. films: (name, bytes, first and last second). segments: numbers each file is made of."""

    identity: Identity
    films: list[tuple[str, bytes, float, float]]
    proofs: list[JournalProof] = field(default_factory=list)
    gaps: list[GapSpan] = field(default_factory=list)
    segments: list[int] = field(default_factory=lambda: [7])
    span: str = f"{BOOT}/100000000000"
    node: str = NODE
    camera: str = CAMERA
    asked: tuple[float, float] | None = None

    def write(self, folder: Path, change: Callable[[Statement], Statement] = lambda statement: statement) -> Path:
        """change: before it is signed."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, data, *_ in self.films:
            (folder / name).write_bytes(data)
        payload = msgspec.json.encode(change(self.statement()))
        (folder / STATEMENT_NAME).write_bytes(payload)
        (folder / SIGNATURE_NAME).write_text(sign_detached(self.identity, STATEMENT_TYPE, payload))
        return folder

    def statement(self) -> Statement:
        start_s, end_s = self.asked or (self.films[0][2], self.films[-1][3])
        request = ClipRequest(
            id="c1",
            camera=self.camera,
            start=utc(start_s),
            end=utc(end_s),
            operator="k.nowak",
            case="RSD 1/26",
            basis="art. 15",
            recipient="KPP",
        )
        return Statement(
            node=self.node,
            place="Rynek 1",
            timezone="Europe/Warsaw",
            camera=self.camera,
            camera_name="Brama",
            version="0.1.0",
            made=utc(120),
            clock="trusted",
            clock_error_ms=12.0,
            request=request,
            files=[self._file(*film) for film in self.films],
            gaps=self.gaps,
            records=self.proofs,
            fingerprint=self.identity.fingerprint,
            assurance=self.identity.signer.assurance,
            certificates=self.identity.certificates.decode(),
        )

    def _file(self, name: str, data: bytes, start_s: float, end_s: float) -> ClipFile:
        return ClipFile(
            name=name,
            bytes=len(data),
            sha256=sha256(data).hexdigest(),
            codec="h264",
            asked_start=utc(start_s),
            asked_end=utc(end_s),
            delivered_start=utc(start_s),
            delivered_end=utc(end_s),
            frames=76,
            span=self.span,
            segments=self.segments,
            clock="trusted",
        )


def rewrite(folder: Path, change: Callable[[Statement], Statement]) -> None:
    """clip.json changed behind its signature's back."""
    path = folder / STATEMENT_NAME
    path.write_bytes(msgspec.json.encode(change(msgspec.json.decode(path.read_bytes(), type=Statement))))


def with_gap(draft: Draft, start_s: float, end_s: float) -> Draft:
    gap = GapSpan(start=utc(start_s), end=utc(end_s), reason="power")
    return replace(draft, gaps=[*draft.gaps, gap])
