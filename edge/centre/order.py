"""Checkpoints of one node, one way by which they come (the topic, or a journal's records), in the order they came.

A node makes them one after the other: its monotonic clock runs forward, a boot that is over does not come back, journals only grow. What
contradicts that has two devices, or an older disk, behind it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from edge.centre.findings import Finding, Proof
from edge.seal.checkpoint import ReadCheckpoint

REMEMBERED = 64
"""Boots, and keys, that are over."""


@dataclass(slots=True)
class _Turns:
    """Values that follow one another and never come back. last: the proof of each one's last sight."""

    current: str = ""
    last: dict[str, Proof] = field(default_factory=dict)

    def next(self, value: str, proof: Proof) -> list[Proof]:
        """Proof that an earlier value is back: its last sight, the sight of what followed it, and this one. [] where all is well."""
        found: list[Proof] = []
        if value != self.current:
            if value in self.last:
                found = [self.last[value], self.last[self.current], proof]
            self.current = value
        self.last.pop(value, None)
        self.last[value] = proof
        if len(self.last) > REMEMBERED:
            del self.last[next(iter(self.last))]
        return found


@dataclass(slots=True)
class Order:
    """What came last. One thread."""

    boots: _Turns = field(default_factory=_Turns)
    keys: _Turns = field(default_factory=_Turns)
    _mono: tuple[str, int, Proof] | None = None
    _heads: dict[tuple[str, str], tuple[int, Proof]] = field(default_factory=dict)

    def next(self, read: ReadCheckpoint, proof: Proof, at: str) -> list[Finding]:
        """What this one contradicts."""
        return [*self._identities(read, proof, at), *self._monotonic(read, proof, at), *self._backwards(read, proof, at)]

    def _identities(self, read: ReadCheckpoint, proof: Proof, at: str) -> Iterator[Finding]:
        before = self.keys.current
        boots = self.boots.next(read.claims.boot, proof)
        keys = self.keys.next(read.jws.fingerprint, proof)
        if boots:
            yield Finding(
                kind="clone",
                at=at,
                text=f"boot {read.claims.boot} is back after another boot",
                about=f"boot {read.claims.boot}",
                proof=boots,
            )
        if keys:
            yield Finding(
                kind="clone",
                at=at,
                text=f"the key {read.jws.fingerprint[:16]} is back after another",
                about=f"key {read.jws.fingerprint}",
                proof=keys,
            )
        elif before not in ("", read.jws.fingerprint):
            text = f"it signs with the key {read.jws.fingerprint[:16]}, and no longer with {before[:16]}"
            yield Finding(kind="key", at=at, text=text, about=read.jws.fingerprint, proof=[proof])

    def _monotonic(self, read: ReadCheckpoint, proof: Proof, at: str) -> Iterator[Finding]:
        claims, before = read.claims, self._mono
        self._mono = (claims.boot, claims.mono_ms, proof)
        if before is not None and before[0] == claims.boot and claims.mono_ms < before[1]:
            text = f"the monotonic clock of one boot ran back from {before[1]} to {claims.mono_ms} ms"
            yield Finding(kind="clone", at=at, text=text, about=f"clock of {claims.boot}", proof=[before[2], proof])

    def _backwards(self, read: ReadCheckpoint, proof: Proof, at: str) -> Iterator[Finding]:
        for head in read.claims.heads:
            key = (head.journal, head.epoch)
            seq, before = self._heads.get(key, (0, proof))
            self._heads[key] = (head.seq, proof)
            if head.seq < seq:
                text = f"the journal ended at {seq} and now ends at {head.seq}: an older copy of the disk, or a second device"
                yield Finding(
                    kind="fork",
                    at=at,
                    text=text,
                    journal=head.journal,
                    epoch=head.epoch,
                    seq=head.seq,
                    about="set back",
                    proof=[before, proof],
                )
