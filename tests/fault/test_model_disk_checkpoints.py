"""Checkpoints on a disk that fails or loses its power at any operation.

Afterwards: whatever a checkpoint vouched for and gave away is on the disk, byte for byte; the journals are whole; the next checkpoint
can be made. A centre that kept every checkpoint it was given never has a reason to call the node a liar.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Literal

import pytest

from edge.clock import ManualClock
from edge.errors import StorageError
from edge.host.model_disk import Fault, ModelDisk, PowerLost
from edge.journal.heads import read_heads
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.evidence import Checkpoint, Head
from edge.messages.records import Stop, facts_of
from edge.seal.checkpoint import claims_of, read_checkpoint, sign_checkpoint
from tests.support.depth import usually
from tests.support.identities import Town, identity_of

JOURNALS = Path("/data/journal")
IDENTITY = identity_of(Town(), "pole-1")
ROTATE_BYTES = 3000


class Sealing:
    """Two writers, and checkpoints of both in one of them. given: heads that left the node, signed."""

    def __init__(self) -> None:
        self.disk = ModelDisk(1 << 24)
        self.clock = ManualClock()
        self.given: list[Head] = []
        self.boots = 0
        self.start()

    def start(self) -> None:
        self.boots += 1
        self.agent, self.recorder = (
            JournalWriter(self.disk, JOURNALS / name, self.clock, f"boot-{self.boots}", ROTATE_BYTES) for name in ("agent", "recorder.cam0")
        )

    def life(self) -> None:
        for number in range(6):
            self._try(lambda number=number: self.recorder.append(Stop(reason=f"{number} " + "x" * 400)))
            self._try(self.checkpoint)

    def checkpoint(self) -> None:
        """As the thread "seal" does it: nothing is given away before the record of it is durable."""
        heads = read_heads(self.disk, JOURNALS)
        made = sign_checkpoint(IDENTITY, claims_of("pole-1", "boot", self.clock.read(), heads))
        self.agent.append(made)
        self.given += read_checkpoint(made.jws).claims.heads

    def _try(self, step) -> None:  # type: ignore[no-untyped-def]
        self.clock.advance(1)
        try:
            step()
        except StorageError:
            self.clock.advance(1)

    def power_cut(self, seed: int) -> None:
        self.disk = self.disk.power_cut(seed)
        self.start()

    def verify(self, case: str) -> None:
        self.disk.fault = None
        before = len(self.given)
        self.checkpoint()
        self.checkpoint()
        assert len(self.given) > before, case
        assert {head.epoch for head in self.given if head.journal == "agent"} <= {self.agent.epoch}, case
        for name in ("agent", "recorder.cam0"):
            reader = JournalReader(self.disk, JOURNALS / name)
            assert reader.verify() == [], case
            lines = {line.seq: sha256(line.raw).hexdigest() for line in reader.read()}
            vouched = [head for head in self.given if head.journal == name]
            assert [(head.seq, lines.get(head.seq)) for head in vouched] == [(head.seq, head.sha256) for head in vouched], case
        tokens = [facts_of(line.record, Checkpoint).jws for line in JournalReader(self.disk, JOURNALS / "agent").read()]
        assert len(set(tokens)) == len(tokens), case


def operations() -> int:
    sealing = Sealing()
    sealing.life()
    sealing.verify("healthy")
    return sealing.disk.operations


OPERATIONS = operations()


def test_the_healthy_life_gives_its_heads_away() -> None:
    sealing = Sealing()
    sealing.life()
    assert len(sealing.given) == 6 + 5
    assert OPERATIONS > 60


def test_the_power_goes_at_the_nth_operation() -> None:
    for at in range(1, OPERATIONS + 1):
        for seed in range(usually(2, full=8)):
            sealing = Sealing()
            sealing.disk.fault = Fault(at, "power")
            try:
                sealing.life()
            except PowerLost:
                sealing.power_cut(seed)
            sealing.verify(f"power at {at}, seed {seed}")


@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
def test_the_nth_operation_fails_and_then_the_power_goes(kind: Literal["ENOSPC", "EIO", "short"]) -> None:
    for at in range(1, OPERATIONS + 1):
        for seed in range(usually(1, full=3)):
            sealing = Sealing()
            sealing.disk.fault = Fault(at, kind)
            sealing.life()
            sealing.power_cut(seed)
            sealing.verify(f"{kind} at {at}, power cut with seed {seed}")
