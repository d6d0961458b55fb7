"""The witness of one node: what it signed, what came, whether the two agree."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.centre.archive import Archive, StoredEvent
from edge.centre.files import AppendOnly, tail_of
from edge.centre.findings import Finding, FindingBook, Kind, Proof
from edge.centre.first_seen import TOPIC, USELESS, Certificates, Seen, checkpoints_path, decode_seen, judge
from edge.centre.order import Order
from edge.centre.pulse import Pulse
from edge.centre.vouched import Life, Vouched
from edge.clock import NS_PER_MS, parse_utc
from edge.errors import StorageError
from edge.host.disk import Disk
from edge.messages.records import Record
from edge.messages.wire import JournalGap
from edge.seal.checkpoint import BadCheckpoint, ReadCheckpoint, read_checkpoint
from edge.seal.trust import Roots

log = logging.getLogger(__name__)

_TAIL_BYTES = 512 * 1024
_RECENT = 512


@dataclass(frozen=True, slots=True)
class Patience:
    """hole_s: a journal that lacks records which were vouched for, and does not move for so long, has a hole. clock_ms: how far a node's
    clock may be off."""

    hole_s: float = 900.0
    clock_ms: float = 10_000.0


@dataclass(frozen=True, slots=True)
class Now:
    """utc: RFC 3339. utc_ns: the same. s: monotonic, for waiting."""

    utc: str
    utc_ns: int
    s: float


class NodeWitness:
    """One thread. `tell`: called with each finding that is news. Raises nothing: a disk that refuses is logged and asked again."""

    def __init__(
        self,
        disk: Disk,
        folder: Path,
        node: str,
        archive: Archive,
        roots: Roots | None,
        patience: Patience,
        tell: Callable[[Finding], None],
    ) -> None:
        self.node, self._roots, self._patience, self._tell = node, roots, patience, tell
        self._book = FindingBook(disk, folder)
        self._certificates = Certificates(disk, folder)
        self._file = AppendOnly(disk, checkpoints_path(folder))
        self._vouched = Vouched(
            lambda name, epoch, seq: archive.line(node, name, epoch, seq), lambda name, epoch: archive.upto(node, name, epoch)
        )
        self._orders: dict[str, Order] = {}
        self._births = Order()
        self._recent: dict[str, None] = {}
        self._moved: dict[Life, tuple[int, float]] = {}
        self.pulse = Pulse()
        try:
            for line in tail_of(disk, checkpoints_path(folder), _TAIL_BYTES):
                self._recall(decode_seen(line, checkpoints_path(folder)))
        except StorageError as error:
            log.error("%s: earlier checkpoints are not known: %s", node, error)

    def certificates(self, pem: str) -> None:
        try:
            self._certificates.add(pem)
        except StorageError as error:
            log.error("%s: its certificate is not kept: %s", self.node, error)

    def checkpoint(self, token: str, via: str, now: Now, *, live: bool) -> None:
        """via: TOPIC or the journal whose record it is. live: it came just now, and the broker had not kept it."""
        known = token in self._recent
        if known and via == TOPIC:
            return
        try:
            read = read_checkpoint(token)
        except BadCheckpoint as error:
            self._report([_forged(f"a checkpoint does not read: {error}", token, now.utc)])
            return
        if read.claims.node != self.node:
            self._report([_forged(f"it is signed for {read.claims.node}", token, now.utc)])
            return
        signer, why = judge(read, self._certificate(read.jws.fingerprint), self._roots)
        if not known:
            self._remember(token)
            self._file.append(msgspec.json.encode(Seen(seen=now.utc, via=via, signer=signer, why=why, jws=token)))
        if signer in USELESS:
            self._report([_forged(f"{signer}: {why}", token, now.utc)])
            return
        self._judge(read, Proof(what="checkpoint", text=token, seen=now.utc), via, now.utc, new=not known)
        self.pulse.checkpoint(now.s)
        if live and read.claims.clock != "untrusted":
            self.pulse.lag(now.s, (now.utc_ns - parse_utc(read.claims.t)) / NS_PER_MS)

    def stored(self, event: StoredEvent, now: Now, *, continues: bool) -> None:
        if not continues:
            self._report([self._vouched.broken(event, now.utc)])
        self._report(self._vouched.stored(event, now.utc))
        if event.record.type == "checkpoint":
            token = _token_of(event.record)
            if token is not None:
                self.checkpoint(token, event.journal, now, live=False)
        elif not self._vouched.covers(event):
            self.pulse.record(now.s)

    def conflict(self, event: StoredEvent, now: Now) -> None:
        self._report([self._vouched.conflict(event, now.utc)])

    def gap(self, gap: JournalGap, now: Now) -> None:
        self._report(self._vouched.gap(gap, now.utc))

    def birth(self, nonce: str, payload: bytes, now: Now) -> None:
        """A process of the node says that it is online. Each has a nonce of its own, and none comes back after another."""
        text = payload.decode("utf-8", "replace")
        if text in self._recent:
            return
        self._remember(text)
        proof = Proof(what="status", text=text, seen=now.utc)
        back = self._births.boots.next(nonce, proof)
        if back:
            text = "two processes are online under its name in turn: a second device has its identity"
            self._report([Finding(kind="clone", at=now.utc, text=text, about="status", proof=back)])

    def look(self, now: Now) -> None:
        """Call every few seconds while the broker can be heard."""
        silent_s, unsigned_s, off_ms = self.pulse.silent_s(now.s), self.pulse.unsigned_s(now.s), self.pulse.clock_off_ms()
        self._stands("silent", f"nothing came for {silent_s:.0f} s" if silent_s else "", "it is heard again", now.utc)
        text = f"records have come for {unsigned_s:.0f} s and no checkpoint vouches for them" if unsigned_s else ""
        self._stands("unsigned", text, "checkpoints come again", now.utc)
        if off_ms is not None:
            is_off = abs(off_ms) > self._patience.clock_ms
            text = f"its clock is {abs(off_ms) / 1000:.1f} s {'behind' if off_ms > 0 else 'ahead of'} the centre's" if is_off else ""
            self._stands("clock", text, "its clock is right again", now.utc)
        self._look_for_holes(now)

    def sync(self) -> None:
        for file in (self._file, self._book):
            try:
                file.sync()
            except StorageError as error:
                log.error("%s: what was witnessed is not on disk yet: %s", self.node, error)

    def _look_for_holes(self, now: Now) -> None:
        owed = {life: (upto, highest, proof) for life, upto, highest, proof in self._vouched.owed()}
        for life in self._moved.keys() - owed.keys():
            del self._moved[life]
        for life, (upto, highest, proof) in owed.items():
            before = self._moved.get(life)
            if before is None or before[0] != upto:
                self._moved[life] = (upto, now.s)
            elif now.s - before[1] > self._patience.hole_s and self.pulse.silent_s(now.s) is None and self.pulse.expected:
                text = f"records {upto + 1} to {highest} were vouched for and have not come for {now.s - before[1]:.0f} s"
                self._report(
                    [Finding(kind="hole", at=now.utc, text=text, journal=life[0], epoch=life[1], seq=upto + 1, about="late", proof=[proof])]
                )
        for hole in self._book.open("hole"):
            if hole.about == "late" and self._vouched.upto((hole.journal, hole.epoch)) >= hole.seq:
                self._close(hole, now.utc, "the records came")

    def _stands(self, kind: Kind, text: str, over: str, at: str) -> None:
        if text:
            self._report([Finding(kind=kind, at=at, text=text)])
        else:
            for known in self._book.open(kind):
                self._close(known, at, over)

    def _close(self, known: Finding, at: str, text: str) -> None:
        word = self._book.close(known, at, text)
        if word is not None:
            self._tell(word)

    def _recall(self, seen: Seen | None) -> None:
        """As it was seen by the process before this one; what it proves is in the book already."""
        if seen is None:
            return
        self._remember(seen.jws)
        try:
            read = read_checkpoint(seen.jws)
        except BadCheckpoint:
            return
        if seen.signer not in USELESS:
            proof = Proof(what="checkpoint", text=seen.jws, seen=seen.seen)
            self._report(self._orders.setdefault(seen.via, Order()).next(read, proof, seen.seen))
            self._vouched.recall(read.claims.heads, proof)
            self.pulse.signs = True

    def _judge(self, read: ReadCheckpoint, proof: Proof, via: str, at: str, *, new: bool) -> None:
        self._report(self._orders.setdefault(via, Order()).next(read, proof, at))
        if new:
            self._report(self._vouched.checkpoint(read.claims.heads, proof, at))

    def _report(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            if self._book.report(finding):
                self._tell(finding)

    def _remember(self, token: str) -> None:
        self._recent[token] = None
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]

    def _certificate(self, fingerprint: str) -> bytes | None:
        try:
            return self._certificates.find(fingerprint)
        except StorageError as error:
            log.error("%s: its certificate cannot be read: %s", self.node, error)
            return None


def _forged(text: str, token: str, at: str) -> Finding:
    return Finding(kind="signature", at=at, text=text, about=text[:80], proof=[Proof(what="checkpoint", text=token[:40_000], seen=at)])


def _token_of(record: Record) -> str | None:
    facts = msgspec.json.decode(record.facts)
    token = facts.get("jws") if isinstance(facts, dict) else None
    return token if isinstance(token, str) else None
