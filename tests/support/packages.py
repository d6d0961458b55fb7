"""A node with footage, journals and a key, and the packages it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.clip.holes import Missing, missing_of
from edge.clip.manifest import manifest
from edge.clip.package import Package, PackageMaker
from edge.clip.plan import plan_clip
from edge.clip.shape import Plan
from edge.clip.sound import sound_plan
from edge.clip.source import FileReader
from edge.clock import ManualClock, format_utc
from edge.config.model import NodeConfig
from edge.config.read import load_config
from edge.host.linux_disk import LinuxDisk
from edge.journal.line import chain_hash
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.clip import ClipRequest, Manifest
from edge.messages.evidence import Checkpoint, CheckpointClaims, Head
from edge.messages.package import CHECKPOINT_TYPE
from edge.ring.query import RingReader
from edge.seal.jws import sign_compact
from edge.seal.signer import Identity
from tests.support.footage import BOOT, BOOT_NS, FolderFile
from tests.support.identities import Town, identity_of
from tests.support.ondisk import CAMERA, START_NS, OnDisk, at, make_node


def heads_of(data: Path) -> list[Head]:
    """Of all journals."""
    found = []
    for folder in sorted((data / "journal").iterdir()):
        reader = JournalReader(LinuxDisk(), folder)
        last = reader.last()
        if last is not None:
            found.append(Head(journal=folder.name, epoch=reader.epoch(), seq=last.seq, sha256=chain_hash(last.raw)))
    return found


@dataclass
class Node:
    """make_node's footage; an agent's journal that takes checkpoints."""

    disk: OnDisk
    config: NodeConfig
    identity: Identity
    town: Town
    clock: ManualClock

    @classmethod
    def make(cls, folder: Path, more: str = "") -> Node:
        disk = make_node(folder, more)
        town = Town()
        clock = ManualClock(START_NS + 60_000_000_000, BOOT_NS + 60_000_000_000)
        return cls(disk, load_config(disk.config).config, identity_of(town, "pole-1"), town, clock)

    def checkpoint(self, clip: str = "") -> str:
        """Signed over the heads as they are, and recorded."""
        claims = CheckpointClaims(
            node="pole-1",
            t=format_utc(self.clock.read().utc_ns),
            clock="trusted",
            clock_error_ms=1.0,
            boot=BOOT,
            mono_ms=1,
            heads=heads_of(self.disk.data),
            clip=clip,
        )
        token = sign_compact(self.identity, CHECKPOINT_TYPE, msgspec.json.encode(claims))
        journal = JournalWriter(LinuxDisk(), self.disk.data / "journal" / "agent", self.clock, BOOT)
        LinuxDisk().mkdir(journal.folder)
        journal.open()
        journal.append(Checkpoint(jws=token, fingerprint=self.identity.fingerprint))
        journal.close()
        return token

    def request(self, start_s: float = 0.0, end_s: float = 11.0, **words: str) -> ClipRequest:
        known = {"id": "c-1", "operator": "a.nowak", "case": "RSOW 7/26"}
        return ClipRequest(camera=CAMERA, start=at(start_s), end=at(end_s), **(known | words))

    def planned(self, request: ClipRequest) -> tuple[Plan, Manifest]:
        ring = RingReader(LinuxDisk(), self.disk.data, self.clock, BOOT)

        def missing(start_ns: int, end_ns: int) -> list[Missing]:
            return missing_of(ring.timeline(CAMERA, start_ns, end_ns), end_ns)

        plan, clips = sound_plan(plan_clip(ring, request, missing=missing), self.segment)
        return plan, manifest("pole-1", request, plan, dict(enumerate(clips)))

    def segment(self, seq: int) -> FileReader:
        return FolderFile(self.disk.segments[seq - 1])

    def maker(self, *, signed: bool = True, asked: bool = True) -> PackageMaker:
        """signed: with a key. asked: able to make a checkpoint."""
        return PackageMaker(
            self.config,
            LinuxDisk(),
            self.clock,
            (lambda: self.identity) if signed else None,
            (lambda identity, clip: self.checkpoint(clip)) if asked else None,
        )

    def package(self, request: ClipRequest | None = None, *, signed: bool = True, asked: bool = True) -> Package:
        plan, made = self.planned(request or self.request())
        return self.maker(signed=signed, asked=asked).make(made, plan, self.segment)
