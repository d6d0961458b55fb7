"""A node that signs checkpoints of real journals, and a centre's archive with its witness, without a broker between them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.centre.archive import Archive
from edge.centre.findings import Finding
from edge.centre.node_witness import Patience
from edge.centre.witness import Witness
from edge.clock import ManualClock
from edge.host.disk import Disk
from edge.host.linux_disk import LinuxDisk
from edge.host.model_disk import ModelDisk
from edge.journal.heads import read_heads
from edge.journal.line import Line
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.link.port import Incoming
from edge.link.topics import CHECKPOINT, HEALTH, INFO, STATUS, Address, Topic
from edge.messages.evidence import Checkpoint
from edge.messages.records import Stop
from edge.messages.wire import Event, JournalGap, Status
from edge.seal.checkpoint import claims_of, sign_checkpoint
from edge.seal.signer import Identity
from edge.seal.trust import read_roots
from tests.support.identities import Town, identity_of

TOWN = Town()
ROOTS = read_roots(TOWN.root)
JOURNALS = Path("/data/journal")
CAMERA = "recorder.cam0"


class SealedNode:
    """Journals `agent` and `recorder.cam0` on a model disk. `sent` says how far each was given to the centre."""

    def __init__(self, name: str = "pole-1", disk: ModelDisk | None = None, boot: str = "boot-1", identity: Identity | None = None) -> None:
        self.name = name
        self.disk = disk or ModelDisk()
        self.clock = ManualClock()
        self.identity = identity or identity_of(TOWN, name)
        self.boot = boot
        self.sent: dict[str, int] = {}
        self.start(boot)

    def start(self, boot: str) -> None:
        self.boot = boot
        self._writers = {name: JournalWriter(self.disk, JOURNALS / name, self.clock, boot) for name in ("agent", CAMERA)}

    def older_copy(self) -> SealedNode:
        """A second device with what is on the disk now: an image, or a card that was taken out."""
        copy = SealedNode(self.name, self.disk.power_cut(0), self.boot, self.identity)
        copy.clock = ManualClock(self.clock.read().utc_ns, self.clock.boot_ns())
        copy.start(self.boot)
        copy.sent = dict(self.sent)
        return copy

    def record(self, count: int = 1, text: str = "footage", journal: str = CAMERA) -> None:
        self._writers[journal].append_all([Stop(reason=f"{text} {number}") for number in range(count)])

    def checkpoint(self, after_s: float = 60.0) -> Checkpoint:
        self.clock.advance(after_s)
        heads = read_heads(self.disk, JOURNALS)
        made = sign_checkpoint(self.identity, claims_of(self.name, self.boot, self.clock.read(), heads))
        self._writers["agent"].append(made)
        return made

    def lines(self, journal: str) -> list[Line]:
        return list(JournalReader(self.disk, JOURNALS / journal).read())

    def epoch(self, journal: str) -> str:
        return JournalReader(self.disk, JOURNALS / journal).epoch()


class PaperTown:
    """Archive and witness; `found` are the findings told so far."""

    def __init__(self, folder: Path, disk: Disk | None = None, *, trust: bool = True, patience: Patience | None = None) -> None:
        self.folder = folder
        self.disk = disk or LinuxDisk()
        self.clock = ManualClock()
        self._trust, self._patience = trust, patience
        self.found: list[Finding] = []
        self._ids = 0
        self.open()

    def open(self) -> None:
        self.archive = Archive(self.disk, self.folder)
        self.witness = Witness(
            self.disk,
            self.folder,
            self.clock,
            self.archive,
            roots=ROOTS if self._trust else None,
            patience=self._patience,
            tell=lambda _, finding: self.found.append(finding),
        )
        self.witness.connected(True)

    def restart(self) -> None:
        self.turn()
        self.archive.close()
        self.open()

    def kinds(self) -> list[str]:
        return [("over: " if finding.closed else "") + finding.kind for finding in self.found]

    def turn(self) -> None:
        self.witness.look()
        self.witness.sync()
        self.archive.sync()

    def hear(self, node: str, topic: Topic, payload: bytes, *, retain: bool = False) -> None:
        self._ids += 1
        self.witness.take(Address(node, topic, ""), Incoming(1, self._ids, "", payload, 1, retain, None, None))

    def hear_checkpoint(self, node: SealedNode, checkpoint: Checkpoint, *, retain: bool = False) -> None:
        self.hear(node.name, CHECKPOINT, msgspec.json.encode(checkpoint), retain=retain)

    def hear_info(self, node: SealedNode, **more: object) -> None:
        facts = {"certificates": node.identity.certificates.decode(), "checkpoint_s": 60.0, "health_s": 60.0} | more
        self.hear(node.name, INFO, msgspec.json.encode(facts), retain=True)

    def hear_health(self, node: str) -> None:
        self.hear(node, HEALTH, b"{}")

    def hear_status(self, node: str, why: str, *, nonce: str = "n", retain: bool = False, session: int = 1) -> None:
        online = "online" if why in ("boot", "reconnect") else "offline"
        status = Status(state=online, why=why, boot="b", session=session, t="2026-01-01T00:00:00.000Z", nonce=nonce)  # type: ignore[arg-type]
        self.hear(node, STATUS, msgspec.json.encode(status), retain=retain)

    def deliver(self, node: SealedNode, *journals: str) -> None:
        """What the node has recorded since the last time."""
        for journal in journals or ("agent", CAMERA):
            for line in node.lines(journal):
                if line.seq > node.sent.get(journal, 0):
                    self.offer(node, journal, line.raw)
                    node.sent[journal] = line.seq
        self.turn()

    def offer(self, node: SealedNode, journal: str, raw: bytes) -> str | None:
        """One line, whatever it is; the archive's verdict."""
        outcome = self.archive.offer(node.name, Event(node=node.name, journal=journal, epoch=node.epoch(journal), record=msgspec.Raw(raw)))
        if outcome is None:
            return None
        self.witness.offered(node.name, *outcome)
        return outcome[0]

    def offer_gap(self, node: SealedNode, first: int, last: int, journal: str = CAMERA) -> None:
        following = [line for line in node.lines(journal) if line.seq == last + 1]
        sha256 = following[0].record.prev if following else ""
        gap = JournalGap(
            node=node.name, journal=journal, epoch=node.epoch(journal), from_seq=first, to_seq=last, why="missing", sha256=sha256
        )
        if self.archive.offer_gap(node.name, gap) == "stored":
            self.witness.gap(node.name, gap)
