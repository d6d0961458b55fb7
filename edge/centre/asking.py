"""Commands that were sent, and whose answers are still awaited or were heard. Memory is bounded: of more than HANDLES_MAX the oldest
whose last word is known are forgotten."""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path

from edge.centre.asked import Asked, AskedAll
from edge.centre.keys import command_message, desired_message, read_private_key
from edge.centre.roster import Roster
from edge.clock import NS_PER_S, Clock
from edge.link.publish import Direct
from edge.link.topics import ALL
from edge.messages.clip import JobProgress
from edge.messages.config import DesiredConfig
from edge.messages.wire import CommandClaims, Response

HANDLES_MAX = 1000
ALL_MAX = 20


class Asking:
    """Any thread asks; the thread "centre" takes from `orders` and reports what it heard. Raises ConfigError for a key that is none."""

    def __init__(self, org: str, command_key: Path | None, clock: Clock, roster: Roster) -> None:
        self._org = org
        self._key = read_private_key(command_key) if command_key is not None else None
        self._clock, self._roster = clock, roster
        self.orders: queue.Queue[Direct] = queue.Queue()
        self._asked: dict[str, Asked] = {}
        self._asked_all: dict[str, AskedAll] = {}
        self._changing = threading.Lock()

    def ask(
        self, node: str, verb: str, args: Mapping[str, object], *, operator: str, case: str = "", id: str = "", valid_s: int = 300
    ) -> Asked:
        """The same id again joins the same request. Raises ConfigError without a command key, UsageError for words that cannot be sent."""
        view = self._roster.views.get(node)
        boot = view.status.boot if view is not None and view.status is not None else ""
        now_s = self._clock.read().utc_ns // NS_PER_S
        claims = CommandClaims(
            id=id or uuid.uuid4().hex,
            verb=verb,
            aud=node,
            iat=now_s,
            exp=now_s + valid_s,
            operator=operator,
            case=case,
            boot=boot,
            args={name: value for name, value in args.items() if value not in ("", None)},
        )
        handle = self._asked.get(claims.id) or Asked(node, claims.id, verb)
        message = command_message(self._org, self._key, claims, handle.delivered)
        self._keep(handle)
        self.orders.put(message)
        return handle

    def desire(self, wanted: DesiredConfig) -> Asked:
        """Its `delivery` is the broker's word; what becomes of it stands in the node's `config/reported`. Raises as `ask`."""
        handle = Asked(wanted.aud, f"desired-{wanted.version}", "config")
        self.orders.put(desired_message(self._org, self._key, wanted, handle.delivered))
        return handle

    def ask_all(self, verb: str, args: Mapping[str, object], *, operator: str, valid_s: int = 60) -> AskedAll:
        """Of every node that listens. Raises as `ask`."""
        handle = AskedAll(uuid.uuid4().hex, verb)
        now_s = self._clock.read().utc_ns // NS_PER_S
        claims = CommandClaims(id=handle.id, verb=verb, aud=ALL, iat=now_s, exp=now_s + valid_s, operator=operator, args={**args})
        message = command_message(self._org, self._key, claims, handle.delivered)
        self._asked_all[handle.id] = handle
        while len(self._asked_all) > ALL_MAX:
            del self._asked_all[next(iter(self._asked_all))]
        self.orders.put(message)
        return handle

    def answered(self, node: str, response: Response) -> None:
        """Only the node that was asked may answer."""
        handle = self._asked.get(response.id)
        if handle is not None and handle.node == node:
            handle.answered(response)
        to_all = self._asked_all.get(response.id)
        if to_all is not None:
            to_all.answered(node, response)

    def progressed(self, node: str, progress: JobProgress) -> None:
        handle = self._asked.get(progress.id)
        if handle is not None and handle.node == node:
            handle.progressed(progress)

    def pictured(self, node: str, jpeg: bytes) -> None:
        """Every request of that node that waits for a picture may look whether it is its own (by the hash in its answer)."""
        with self._changing:
            waiting = [each for each in self._asked.values() if each.node == node and each.verb == "snapshot" and each.picture is None]
        for handle in waiting:
            handle.pictured(jpeg)

    def _keep(self, handle: Asked) -> None:
        with self._changing:
            self._asked[handle.id] = handle
            ended = [id for id, each in self._asked.items() if each.final is not None and id != handle.id]
            for id in ended[: max(0, len(self._asked) - HANDLES_MAX)]:
                del self._asked[id]
