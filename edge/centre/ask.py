"""What `edge centre nodes | events | request-clip | run` do; each is one call."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from edge.centre.archive import StoredEvent, stored_events, tail_events
from edge.centre.client import Centre
from edge.centre.clips import ClipHandle
from edge.centre.roster import NodeView
from edge.clock import monotonic_s
from edge.config.model import Mqtt
from edge.errors import TryAgain, UsageError
from edge.host.linux_disk import LinuxDisk
from edge.messages.wire import Response

CONNECT_S = 10.0
_QUIET_S = 0.5


def list_nodes(mqtt: Mqtt, folder: Path, wait_s: float = 5.0) -> list[NodeView]:
    """Every node the broker holds retained messages of: until no news came for half a second, at most `wait_s`. Raises TryAgain without a
    broker."""
    news = threading.Event()
    with Centre(mqtt, folder, store=False, on_node=lambda view: news.set()) as centre:
        _connect(centre, mqtt)
        ends_s = monotonic_s() + wait_s
        while monotonic_s() < ends_s and news.wait(_QUIET_S):
            news.clear()
        return centre.nodes()


def past_events(folder: Path, node: str | None = None, journal: str | None = None, type: str | None = None) -> Iterator[StoredEvent]:
    """What the archive holds, by the nodes' time. Needs no broker."""
    return (event for event in stored_events(LinuxDisk(), folder, node, journal) if type in (None, event.record.type))


def follow_events(mqtt: Mqtt, folder: Path, stop: threading.Event, node: str | None = None) -> Iterator[StoredEvent]:
    """New records as they are stored, until `stop`. Where no centre process keeps this folder, this one does so meanwhile."""
    lock = threading.Condition()
    fresh: list[StoredEvent] = []

    def take(event: StoredEvent) -> None:
        with lock:
            fresh.append(event)
            lock.notify()

    try:
        centre = Centre(mqtt, folder, on_event=take)
    except UsageError:
        yield from (event for event in tail_events(LinuxDisk(), folder, stop) if node in (None, event.node))
        return
    with centre:
        _connect(centre, mqtt)
        while not stop.is_set():
            with lock:
                lock.wait(0.2)
                batch, fresh[:] = list(fresh), []
            yield from (event for event in batch if node in (None, event.node))


def run_centre(mqtt: Mqtt, folder: Path, stop: threading.Event, on_event: Callable[[StoredEvent], None] | None = None) -> None:
    """Keeps every node's journals in `folder` until `stop`; a broker that is away is waited for. Raises UsageError where another process
    keeps it."""
    with Centre(mqtt, folder, on_event=on_event):
        stop.wait()


def ask_clip(
    mqtt: Mqtt,
    folder: Path,
    command_key: Path,
    node: str,
    camera: str,
    start: str,
    end: str,
    *,
    operator: str,
    case: str,
    id: str = "",
    valid_s: int = 300,
    timeout_s: float = 600.0,
    on_change: Callable[[ClipHandle], None] | None = None,
) -> Response | None:
    """Asks for a clip and waits for the last word (done, failed, refused); None when it does not come within `timeout_s`: ask again with
    the same id then. Raises TryAgain without a broker, ConfigError for a key that cannot be used."""
    news = threading.Event()
    with Centre(mqtt, folder, store=False, command_key=command_key, on_node=lambda view: news.set()) as centre:
        _connect(centre, mqtt)
        # The node's status carries its boot id, which lets a node without a clock take the command.
        with contextlib.suppress(TimeoutError):
            _await_status(centre, node, news)
        handle = centre.request_clip(node, camera, start, end, operator=operator, case=case, id=id, valid_s=valid_s)
        return handle.wait(timeout_s, on_change)


def _await_status(centre: Centre, node: str, news: threading.Event) -> None:
    ends_s = monotonic_s() + 2 * _QUIET_S
    while True:
        view = centre.node(node)
        if view is not None and view.status is not None:
            return
        if not news.wait(max(0.0, ends_s - monotonic_s())):
            raise TimeoutError
        news.clear()


def _connect(centre: Centre, mqtt: Mqtt) -> None:
    if not centre.wait_connected(CONNECT_S):
        raise TryAgain(f"no connection to the broker at {mqtt.host}:{mqtt.port} within {CONNECT_S:.0f} s", remedy="is it running?")
