"""The centre's side of the link, as a library.

    with Client(mqtt, Path("centre"), command_key=Path("keys/command.key")) as centre:
        centre.wait_connected(10)
        for view in centre.nodes():
            print(view.node, view.online)
        clip = centre.request_clip("pole-17", "cam1", start, end, operator="a.nowak", case="RSOW 12/26")
        print(clip.wait(600))

A Client with `store=True` keeps every node's journals (archive.py) and is the one that tells the nodes their watermarks: one process for
each folder, one client id for each broker. With `store=False` it only looks and asks; any number of those may run beside it.
"""

from __future__ import annotations

import dataclasses
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType

from edge.centre.archive import Archive, StoredEvent, stored_events
from edge.centre.asked import Asked, AskedAll
from edge.centre.asking import Asking
from edge.centre.findings import Finding
from edge.centre.history import HistoryStore, stored_history
from edge.centre.node_witness import Patience
from edge.centre.roster import NodeView, Roster
from edge.centre.store import Counters
from edge.centre.turns import Callbacks, Turns
from edge.centre.witness import Witness
from edge.clock import Clock
from edge.config.model import Mqtt
from edge.host.disk import Disk
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from edge.link.settings import settings_of
from edge.link.supervisor import MqttLink
from edge.link.topics import CHECKPOINT, EVENT, GAP, HISTORY, JOB, PROPERTIES, RESPONSE, SNAPSHOT, pattern
from edge.messages.config import CONFIRM_S, ConfigReported, DesiredConfig
from edge.messages.history import History
from edge.messages.wire import Ack
from edge.seal.trust import Roots


class Client:
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
        self._folder = folder
        self._disk = disk or LinuxDisk()
        clock = clock or KernelClock("assume")
        self._roster = Roster()
        self._asking = Asking(mqtt.org, command_key, clock, self._roster)
        self._archive = Archive(self._disk, folder) if store else None
        witness = None
        if self._archive is not None:
            witness = Witness(self._disk, folder, clock, self._archive, roots=trust, patience=patience, tell=on_finding)
        settings = settings_of(mqtt, client_id or ("centre" if store else f"centre-{uuid.uuid4().hex[:12]}"))
        # Only the one that stores keeps a session at the broker: what comes while it is away waits there.
        settings = dataclasses.replace(settings, session_expiry_s=settings.session_expiry_s if store else 0)
        self._link = MqttLink(settings, self._subscriptions(mqtt.org, store), lambda: None)
        callbacks = Callbacks(on_event=on_event, on_node=on_node, on_link=on_link)
        self._turns = Turns(
            mqtt, self._link, self._roster, self._asking, self._archive, witness, HistoryStore(self._disk, folder), clock, callbacks
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._turns.run, args=[self._stop], name="centre", daemon=True)

    @property
    def trouble(self) -> str:
        """Why the broker could not be reached last, in words."""
        return self._turns.trouble

    @staticmethod
    def _subscriptions(org: str, store: bool) -> tuple[str, ...]:
        topics = (*PROPERTIES, RESPONSE, JOB, SNAPSHOT) + ((EVENT, GAP, CHECKPOINT, HISTORY) if store else ())
        return tuple(pattern(org, "+", each) for each in topics)

    def start(self) -> Client:
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

    def __enter__(self) -> Client:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def broken(self) -> bool:
        """Its thread has ended by a fault: nothing is stored any more. Start a new process."""
        return not self._stop.is_set() and self._thread.ident is not None and not self._thread.is_alive()

    def wait_connected(self, timeout_s: float) -> bool:
        return self._turns.connected.wait(timeout_s)

    def wait_node(self, node: str, timeout_s: float) -> NodeView | None:
        """The node's view once its status is known; None when the broker does not tell it in time. A command signed before does not name
        the node's boot: a node whose clock is not set would refuse it."""
        with self._turns.seen:
            self._turns.seen.wait_for(lambda: self._has_status(node), timeout_s)
        return self.node(node) if self._has_status(node) else None

    def wait_config(self, node: str, version: int, timeout_s: float) -> ConfigReported | None:
        """What the node reports when it has decided on that desired version, or what it reports when the time is over."""

        def reported() -> ConfigReported | None:
            view = self.node(node)
            return view.config if view is not None else None

        def decided() -> bool:
            found = reported()
            return found is not None and found.version >= version and found.state != "pending"

        with self._turns.seen:
            self._turns.seen.wait_for(decided, timeout_s)
        return reported()

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
        urgent: bool = False,
        deadline: str | float = "",
        id: str = "",
        valid_s: int = 300,
    ) -> Asked:
        """Footage of one camera, sent to the node's upload address; end may lie ahead by a day. basis: legal basis; recipient: who receives
        it. urgent: before all others, also in quiet hours and over the day's budget. deadline: RFC 3339, or hours after the footage is
        there. The same id again joins the same job."""
        args: dict[str, object] = {"camera": camera, "start": start, "end": end, "basis": basis, "recipient": recipient}
        args |= {"urgent": urgent or None, "deadline": deadline}
        return self.command(node, "clip", args, operator=operator, case=case, id=id, valid_s=valid_s)

    def live(self, node: str, camera: str, *, operator: str, case: str, minutes: float | None = None) -> Asked:
        """The newest pictures of a camera, pushed to the address in the node's configuration; minutes: None for as long as it allows.
        `running` tells the target and the first latency; the last word how long, how many and how late."""
        return self.command(node, "live", {"camera": camera, "minutes": minutes}, operator=operator, case=case)

    def end_live(self, node: str, id: str, *, operator: str, case: str) -> Asked:
        """Ends a live session before its time. id: of the command that began it, by the same operator."""
        return self.command(node, "live", {"stop": id}, operator=operator, case=case)

    def jobs(self, node: str, *, operator: str, case: str = "", recent: int | None = None) -> Asked:
        """Its clip jobs, open and closed, in the answer's `data`. recent: most closed ones."""
        return self.command(node, "jobs", {"recent": recent}, operator=operator, case=case)

    def cancel(self, node: str, id: str, why: str, *, operator: str, case: str = "") -> Asked:
        """Calls a clip off. Its own last word tells how it ended."""
        return self.command(node, "cancel", {"id": id, "why": why}, operator=operator, case=case)

    def hold(self, node: str, camera: str, start: str, end: str, *, operator: str, case: str, review: str = "", id: str = "") -> Asked:
        """Keeps footage from being erased; end may lie ahead. review: RFC 3339 or a date. The lock gets the request's id."""
        args = {"camera": camera, "start": start, "end": end, "review": review}
        return self.command(node, "hold", args, operator=operator, case=case, id=id)

    def release(self, node: str, hold: str, why: str, *, operator: str, case: str) -> Asked:
        """Gives a lock up."""
        return self.command(node, "release", {"hold": hold, "why": why}, operator=operator, case=case)

    def timeline(self, node: str, camera: str, start: str, end: str, *, operator: str, case: str = "") -> Asked:
        """What was recorded, what is missing and why, where there was motion; in the answer's `data`."""
        return self.command(node, "timeline", {"camera": camera, "start": start, "end": end}, operator=operator, case=case)

    def snapshot(self, node: str, camera: str, *, operator: str, case: str, at: str = "") -> Asked:
        """One picture; at: RFC 3339, "" for the newest. `Asked.wait_picture` gives the JPEG."""
        return self.command(node, "snapshot", {"camera": camera, "at": at}, operator=operator, case=case)

    def configure(
        self, node: str, toml: str, sha256_before: str, *, operator: str, case: str = "", confirm_s: int = CONFIRM_S, id: str = ""
    ) -> Asked:
        """Another configuration, of about 5 KiB at most (`desire` takes more); the node keeps it when it is connected under it within
        confirm_s. sha256_before: of the one in force, as the verb config (do = show) tells it."""
        args = {"do": "apply", "toml": toml, "sha256_before": sha256_before, "confirm_s": confirm_s}
        return self.command(node, "config", args, operator=operator, case=case, id=id)

    def desire(
        self, node: str, toml: str, version: int, *, operator: str, case: str = "", sha256_before: str = "", confirm_s: int = CONFIRM_S
    ) -> Asked:
        """The same, retained: a node that is away takes it up when it comes back. version: above all that this node was sent. What
        becomes of it stands in `NodeView.config`; of the answer only `delivery` comes."""
        wanted = DesiredConfig(
            aud=node, version=version, operator=operator, case=case, toml=toml, sha256_before=sha256_before, confirm_s=confirm_s
        )
        return self._asking.desire(wanted)

    def ask_all(self, verb: str, args: Mapping[str, object], *, operator: str) -> AskedAll:
        """Of all nodes at once, which answer within some seconds, each at a time of its own. They obey identify (no arguments: who they
        are) and report (month), and refuse the rest."""
        return self._asking.ask_all(verb, args, operator=operator)

    def command(
        self, node: str, verb: str, args: Mapping[str, object], *, operator: str, case: str = "", id: str = "", valid_s: int = 300
    ) -> Asked:
        """Signs and sends any verb (docs/design/commands.md has them); arguments that are "" or None are left out. valid_s: how long the
        node may take to hear of it (1-600). Raises ConfigError without a command key, UsageError for words that cannot be sent."""
        return self._asking.ask(node, verb, args, operator=operator, case=case, id=id, valid_s=valid_s)
