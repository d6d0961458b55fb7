"""The centre's side of the link, as a library.

    with Centre(mqtt, Path("centre"), command_key=Path("keys/command.key")) as centre:
        centre.wait_connected(10)
        for view in centre.nodes():
            print(view.node, view.online)
        clip = centre.request_clip("pole-17", "cam1", start, end, operator="a.nowak", case="RSOW 12/26")
        print(clip.wait(600))

A Centre with `store=True` keeps every node's journals (archive.py) and is the one that tells the nodes their watermarks: one process for
each folder, one client id for each broker. With `store=False` it only looks and asks; any number of those may run beside it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import queue
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType

import msgspec

from edge.centre.archive import Archive, StoredEvent, stored_events
from edge.centre.clips import ClipHandle
from edge.centre.findings import Finding
from edge.centre.history import HistoryStore, stored_history
from edge.centre.keys import command_message, read_private_key
from edge.centre.node_witness import Patience
from edge.centre.roster import NodeView, Roster
from edge.centre.store import Counters
from edge.centre.witness import Witness
from edge.clock import NS_PER_S, Clock, format_utc, monotonic_s
from edge.config.model import Mqtt
from edge.host.disk import Disk
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from edge.link.port import Acknowledged, Connected, Disconnected, Incoming, Unreachable
from edge.link.port import Event as LinkEvent
from edge.link.publish import Direct, Publisher
from edge.link.settings import settings_of
from edge.link.supervisor import MqttLink
from edge.link.topics import ACK, CHECKPOINT, EVENT, GAP, HISTORY, JOB, PROPERTIES, RESPONSE, STATUS, Address, address, parse, pattern
from edge.messages.clip import JobProgress
from edge.messages.history import History
from edge.messages.wire import Ack, CommandClaims, Event, JournalGap, Response
from edge.seal.trust import Roots

log = logging.getLogger(__name__)

_BATCH = 500
_TURN_S = 0.25


class Centre:
    """Public methods may be called from any thread; callbacks run in the thread "centre" and must be quick.

    mqtt: where the broker is ([mqtt] of a node serves as well). folder: the archive. command_key: private key for `request_clip`.
    on_event: each record once, after it is durable. on_node: a view has changed. on_link: connected or not. on_finding: evidence that
    does not add up, or a node in trouble (needs `store`). trust: authorities that certify nodes' keys. patience: before that.
    """

    def __init__(
        self,
        mqtt: Mqtt,
        folder: Path,
        *,
        client_id: str = "",
        store: bool = True,
        command_key: Path | None = None,
        on_event: Callable[[StoredEvent], None] | None = None,
        on_node: Callable[[NodeView], None] | None = None,
        on_link: Callable[[bool], None] | None = None,
        on_finding: Callable[[str, Finding], None] | None = None,
        trust: Roots | None = None,
        patience: Patience | None = None,
        disk: Disk | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._org = mqtt.org
        self._folder = folder
        self._disk = disk or LinuxDisk()
        self._clock = clock or KernelClock("assume")
        self._key = read_private_key(command_key) if command_key is not None else None
        self._on_event, self._on_node, self._on_link = on_event, on_node, on_link
        self._archive = Archive(self._disk, folder) if store else None
        self._history = HistoryStore(self._disk, folder)
        self._witness: Witness | None = None
        if self._archive is not None:
            self._witness = Witness(self._disk, folder, self._clock, self._archive, roots=trust, patience=patience, tell=on_finding)
        settings = settings_of(mqtt, client_id or ("centre" if store else f"centre-{uuid.uuid4().hex[:12]}"))
        # Only the one that stores keeps a session at the broker: what comes while it is away waits there.
        settings = dataclasses.replace(settings, session_expiry_s=settings.session_expiry_s if store else 0)
        self._link = MqttLink(settings, self._subscriptions(store), lambda: None)
        self._publisher = Publisher(mqtt.org, "", self._link.send, [], mqtt.window)
        self._orders: queue.Queue[Direct] = queue.Queue()
        self._roster = Roster()
        self._handles: dict[str, ClipHandle] = {}
        self._connected = threading.Event()
        self._seen = threading.Condition()
        self.trouble = ""
        """Why the broker could not be reached last, in words."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="centre", daemon=True)

    def _subscriptions(self, store: bool) -> tuple[str, ...]:
        topics = (*PROPERTIES, RESPONSE, JOB) + ((EVENT, GAP, CHECKPOINT, HISTORY) if store else ())
        return tuple(pattern(self._org, "+", each) for each in topics)

    def start(self) -> Centre:
        self._link.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)
        self._link.stop()
        if self._archive is not None:
            self._archive.close()

    def __enter__(self) -> Centre:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def broken(self) -> bool:
        """Its thread has ended by a fault: nothing is stored any more. Start a new process."""
        return not self._stop.is_set() and self._thread.ident is not None and not self._thread.is_alive()

    def wait_connected(self, timeout_s: float) -> bool:
        return self._connected.wait(timeout_s)

    def wait_node(self, node: str, timeout_s: float) -> NodeView | None:
        """The node's view once its status is known; None when the broker does not tell it in time. A command signed before does not name
        the node's boot: a node whose clock is not set would refuse it."""
        with self._seen:
            self._seen.wait_for(lambda: self._has_status(node), timeout_s)
        return self.node(node) if self._has_status(node) else None

    def _has_status(self, node: str) -> bool:
        view = self.node(node)
        return view is not None and view.status is not None

    def nodes(self) -> list[NodeView]:
        """Every node heard of through retained messages, by name."""
        return [view for _, view in sorted(self._roster.views.items())]

    def node(self, node: str) -> NodeView | None:
        return self._roster.views.get(node)

    def counters(self) -> dict[tuple[str, str, str], Counters]:
        """(node, journal, epoch) -> stored, missing, duplicates, ahead, breaks, conflicts. Empty without an archive."""
        return self._archive.counters() if self._archive is not None else {}

    def ack(self, node: str) -> Ack:
        """The watermarks as last made durable."""
        return self._archive.ack(node) if self._archive is not None else Ack(watermarks={})

    def events(self, node: str | None = None, journal: str | None = None) -> Iterator[StoredEvent]:
        """All stored records by time; see `archive.stored_events`."""
        return stored_events(self._disk, self._folder, node, journal)

    def history(self, node: str) -> Iterator[History]:
        """Its health while it could not be heard, 15 min to an aggregate."""
        return stored_history(self._disk, self._folder, node)

    def request_clip(
        self,
        node: str,
        camera: str,
        start: str,
        end: str,
        *,
        operator: str,
        case: str,
        basis: str = "",
        recipient: str = "",
        id: str = "",
        valid_s: int = 300,
    ) -> ClipHandle:
        """Signs and sends a clip command. start, end: RFC 3339. basis: legal basis; recipient: who receives it. valid_s: how long the node
        may take to hear of it (1-600).

        Raises ConfigError without a command key, UsageError for words that cannot be sent."""
        id = id or uuid.uuid4().hex
        args = {"camera": camera, "start": start, "end": end}
        args |= {name: word for name, word in (("basis", basis), ("recipient", recipient)) if word}
        handle = self._handles.setdefault(id, ClipHandle(node, id))
        self.command(node, "clip", args, operator=operator, case=case, id=id, valid_s=valid_s, on_done=handle.delivered)
        return handle

    def command(
        self,
        node: str,
        verb: str,
        args: Mapping[str, object],
        *,
        operator: str,
        case: str = "",
        id: str = "",
        valid_s: int = 300,
        on_done: Callable[[int], None] | None = None,
    ) -> str:
        """Any verb; returns the id. Answers to ids of `request_clip` reach their handle."""
        id = id or uuid.uuid4().hex
        view = self._roster.views.get(node)
        boot = view.status.boot if view is not None and view.status is not None else ""
        now_s = self._clock.read().utc_ns // NS_PER_S
        claims = CommandClaims(
            id=id, verb=verb, aud=node, iat=now_s, exp=now_s + valid_s, operator=operator, case=case, boot=boot, args=dict(args)
        )
        self._orders.put(command_message(self._org, self._key, claims, on_done))
        return id

    def _run(self) -> None:
        while not self._stop.is_set():
            self._turn()
        if self._archive is not None and self._witness is not None:
            self._witness.sync()
            self._archive.sync()

    def _turn(self) -> None:
        """One batch: take, make durable, tell the watermarks, then let the broker forget."""
        taken: list[Incoming] = []
        fresh: list[StoredEvent] = []
        for news in self._news():
            if isinstance(news, Incoming):
                taken.append(news)
                self._take(news, fresh)
            else:
                self._link_news(news)
        if self._archive is not None and self._witness is not None:
            self._witness.look()
            self._witness.sync()
            self._history.sync()
            self._make_durable(self._archive, fresh)
        for message in taken:
            self._link.done(message)
        with contextlib.suppress(queue.Empty):
            while True:
                self._publisher.put(self._orders.get_nowait())
        self._publisher.pump(monotonic_s())

    def _news(self) -> list[LinkEvent]:
        found: list[LinkEvent] = []
        with contextlib.suppress(queue.Empty):
            found.append(self._link.events.get(timeout=_TURN_S))
            while len(found) < _BATCH:
                found.append(self._link.events.get_nowait())
        return found

    def _make_durable(self, archive: Archive, fresh: list[StoredEvent]) -> None:
        for node, ack in archive.sync().items():
            self._tell(node, ack)
        if self._on_event is not None:
            for event in fresh:
                if archive.durable(event):
                    self._on_event(event)

    def _link_news(self, news: Connected | Disconnected | Unreachable | Acknowledged) -> None:
        now_s = monotonic_s()
        if isinstance(news, Acknowledged):
            self._publisher.acknowledged(news, now_s)
        elif isinstance(news, Connected):
            log.info("connected to the broker")
            for pattern_, code in news.refused:
                log.error("the broker refuses the subscription to %s: 0x%02x", pattern_, code)
            self._publisher.connected(news, now_s)
            if self._archive is not None:
                # What the broker held for us may be gone with it: ask each node to send again after its watermark.
                for node in self._archive.nodes():
                    self._tell(node, self._archive.ack(node, resend=True))
            self._connected.set()
        elif isinstance(news, Unreachable):
            self.trouble = news.text
        else:
            log.warning("broker: %s", news.text)
            self.trouble = news.text
            self._publisher.disconnected(news, now_s)
            self._connected.clear()
        if self._witness is not None and not isinstance(news, Acknowledged):
            self._witness.connected(isinstance(news, Connected))
        if self._on_link is not None and not isinstance(news, Acknowledged):
            self._on_link(isinstance(news, Connected))

    def _tell(self, node: str, ack: Ack) -> None:
        topic = address(self._org, node, ACK)
        self._publisher.put(Direct(topic, topic, msgspec.json.encode(ack), retain=True, trusted=True))

    def _take(self, message: Incoming, fresh: list[StoredEvent]) -> None:
        """A message that cannot be used is logged and dropped: one node must not stop the others."""
        place = parse(self._org, message.topic)
        if place is None:
            return
        try:
            if self._witness is not None:
                self._witness.take(place, message)
            if place.topic is EVENT:
                self._event(place, msgspec.json.decode(message.payload, type=Event), fresh)
            elif place.topic is GAP:
                self._gap(place, msgspec.json.decode(message.payload, type=JournalGap))
            elif place.topic is HISTORY:
                self._history.take(place.node, message.payload)
            elif place.topic is RESPONSE:
                self._answered(place.node, msgspec.json.decode(message.payload, type=Response))
            elif place.topic is JOB:
                self._progressed(place.node, msgspec.json.decode(message.payload, type=JobProgress))
            else:
                self._property(place, message.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            log.warning("%s: not readable, dropped: %s", message.topic, error)

    def _event(self, place: Address, event: Event, fresh: list[StoredEvent]) -> None:
        outcome = self._archive.offer(place.node, event) if self._archive is not None else None
        if outcome is None or self._witness is None:
            return
        self._witness.offered(place.node, *outcome)
        if outcome[0] in ("stored", "broken"):
            fresh.append(outcome[1])

    def _gap(self, place: Address, gap: JournalGap) -> None:
        if self._archive is not None and self._witness is not None and self._archive.offer_gap(place.node, gap) == "stored":
            self._witness.gap(place.node, gap)

    def _property(self, place: Address, payload: bytes) -> None:
        view = self._roster.take(place, payload, format_utc(self._clock.read().utc_ns))
        if view is None:
            return
        if place.topic is STATUS and view.status is not None and self._archive is not None and view.online:
            self._archive.expect(place.node, view.status.journals)
        with self._seen:
            self._seen.notify_all()
        if self._on_node is not None:
            self._on_node(self._roster.views[place.node])

    def _answered(self, node: str, response: Response) -> None:
        """Only the node that was asked may answer."""
        handle = self._handles.get(response.id)
        if handle is not None and handle.node == node:
            handle.answered(response)

    def _progressed(self, node: str, progress: JobProgress) -> None:
        handle = self._handles.get(progress.id)
        if handle is not None and handle.node == node:
            handle.progressed(progress)
