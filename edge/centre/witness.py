"""The centre as witness: it keeps what each node vouched for, with its own time, and tells when a node's past is not what it was.

What it finds is kept in each node's folder (findings.py, first_seen.py); `edge centre audit` reads it again from there. It is owned by the
centre's thread and stops nothing: records are stored and acknowledged whatever it finds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from edge.centre.archive import Archive, StoredEvent
from edge.centre.findings import Finding
from edge.centre.first_seen import TOPIC
from edge.centre.node_witness import NodeWitness, Now, Patience
from edge.centre.store import Verdict
from edge.clock import NS_PER_S, Clock, format_utc
from edge.host.disk import Disk
from edge.link.port import Incoming
from edge.link.topics import CHECKPOINT, INFO, STATUS, Address
from edge.messages.evidence import Checkpoint
from edge.messages.wire import JournalGap, Status
from edge.seal.trust import Roots

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0


class Witness:
    """One thread. `tell`: called with the node's name and each finding that is news. roots: authorities that certify nodes' keys; without
    them who signed is not judged."""

    def __init__(
        self,
        disk: Disk,
        folder: Path,
        clock: Clock,
        archive: Archive,
        *,
        roots: Roots | None = None,
        patience: Patience | None = None,
        tell: Callable[[str, Finding], None] | None = None,
    ) -> None:
        self._disk, self._folder, self._clock, self._archive, self._roots = disk, folder, clock, archive, roots
        self._patience, self._tell = patience or Patience(), tell
        self._nodes: dict[str, NodeWitness] = {}
        self._touched: set[str] = set()
        self._connected_s: float | None = None
        self._look_at_s = 0.0

    def take(self, place: Address, message: Incoming) -> None:
        """Any message of a node. Raises msgspec.DecodeError for one that does not read."""
        now, node = self._now(), self._node(place.node)
        if not message.payload:
            return
        if place.topic is not STATUS:
            node.pulse.heard(now.s, kept=message.retain)
        if place.topic is CHECKPOINT:
            token = msgspec.json.decode(message.payload, type=Checkpoint).jws
            node.checkpoint(token, TOPIC, now, live=not message.retain)
        elif place.topic is STATUS:
            status = msgspec.json.decode(message.payload, type=Status)
            node.pulse.expected = status.why != "shutdown"
            node.pulse.heard(now.s, kept=message.retain or status.why == "will")  # a will is the broker's word
            if status.state == "online" and status.nonce and not message.retain:
                node.birth(status.nonce, message.payload, now)
        elif place.topic is INFO:
            _learn(node, msgspec.json.decode(message.payload, type=dict[str, Any]))

    def offered(self, node: str, verdict: Verdict, event: StoredEvent) -> None:
        """A journal record, and what the archive made of it."""
        if verdict in ("stored", "broken"):
            self._node(node).stored(event, self._now(), continues=verdict == "stored")
        elif verdict == "conflict":
            self._node(node).conflict(event, self._now())

    def gap(self, node: str, gap: JournalGap) -> None:
        """A gap notice that was stored."""
        self._node(node).gap(gap, self._now())

    def connected(self, is_connected: bool) -> None:
        now = self._now()
        self._connected_s = now.s if is_connected else None
        if is_connected:
            for node in self._nodes.values():
                node.pulse.connected(now.s)

    def look(self) -> None:
        """Call at each turn. Without a broker nothing can be heard, and nobody is blamed."""
        now = self._now()
        if self._connected_s is not None and now.s >= self._look_at_s:
            self._look_at_s = now.s + LOOK_EVERY_S
            for name, node in self._nodes.items():
                node.look(now)
                self._touched.add(name)

    def sync(self) -> None:
        """Makes durable what was witnessed since the last call."""
        for name in self._touched:
            self._nodes[name].sync()
        self._touched.clear()

    def _node(self, name: str) -> NodeWitness:
        self._touched.add(name)
        known = self._nodes.get(name)
        if known is None:
            folder = self._folder / "nodes" / name
            known = NodeWitness(
                self._disk, folder, name, self._archive, self._roots, self._patience, lambda finding: self._found(name, finding)
            )
            self._nodes[name] = known
            if self._connected_s is not None:
                known.pulse.connected(self._connected_s)
        return known

    def _found(self, node: str, finding: Finding) -> None:
        where = f" {finding.journal} #{finding.seq}" if finding.journal else ""
        level = logging.ERROR if finding.grave else logging.INFO if finding.closed else logging.WARNING
        log.log(level, "%s:%s %s%s: %s", node, where, finding.kind, " is over" if finding.closed else "", finding.text)
        if self._tell is not None:
            self._tell(node, finding)

    def _now(self) -> Now:
        reading = self._clock.read()
        return Now(format_utc(reading.utc_ns), reading.utc_ns, reading.boot_ns / NS_PER_S)


def _learn(node: NodeWitness, info: dict[str, Any]) -> None:
    checkpoint_s, health_s, certificates = (info.get(word) for word in ("checkpoint_s", "health_s", "certificates"))
    node.pulse.checkpoint_s = float(checkpoint_s) if isinstance(checkpoint_s, (int, float)) else None
    node.pulse.health_s = float(health_s) if isinstance(health_s, (int, float)) else None
    if isinstance(certificates, str) and certificates:
        node.certificates(certificates)
