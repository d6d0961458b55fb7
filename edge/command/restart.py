"""Verb restart: one unit of the node is ended in order and started anew by whoever started it.

    args: {"what": "recorder:<camera>" | "watcher" | "agent" | "node"}

Answers: accepted, on record before anything ends; done when the new process is seen alive (recorder: its status file; watcher and agent:
their journal's boot record; node: another boot id); failed when that takes longer than ALIVE_WITHIN_S (node: REBOOT_WITHIN_S). Refused:
bad_args, unknown_unit, not_possible (nobody here grants it), too_soon, quota. No command can keep a recorder down: never two restarts of
one unit within a minute, six in an hour in all, whoever asks; the supervisor holds to the same by its own clock (services/wish_desk.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import msgspec

from edge.clock import monotonic_s
from edge.command.arguments import args_of, known_camera
from edge.command.ledger import Ledger
from edge.errors import NotFound, Refused, StorageError
from edge.health.probe import camera_status
from edge.host.disk import Disk
from edge.host.supervision import leave_wish, supervisor_of
from edge.journal.reader import JournalReader
from edge.messages.supervision import Wish
from edge.messages.wire import CommandClaims, Response
from edge.ring.layout import NodeFolders

VERB = "restart"
ALIVE_WITHIN_S = 60.0
REBOOT_WITHIN_S = 600.0
GAP_S = 60
PER_HOUR = 6
_HOUR_S = 3600
RECORDER, WATCHER, AGENT, NODE = "recorder", "watcher", "agent", "node"


class RestartArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    what: str


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """`<data>/agent/restarts/<id>.json`: the wish may have been left. before: process id of the recorder, number of the watcher's newest
    record; 0 where unknown."""

    unit: str
    boot: str
    before: int = 0


class Restarts:
    """Verb and what follows it; the agent's main thread. `agent`: fresh at each start of the agent, so a restart of it that was accepted by
    an earlier one is done."""

    def __init__(
        self,
        folders: NodeFolders,
        disk: Disk,
        boot: str,
        cameras: Collection[str],
        ledger: Ledger,
        state: Path,
        now_s: Callable[[], float] = monotonic_s,
    ) -> None:
        self._folders, self._disk, self._boot, self._cameras = folders, disk, boot, cameras
        self._ledger, self._state, self._now_s = ledger, state, now_s
        self._watched = JournalReader(disk, folders.journal(WATCHER))
        self._open: dict[str, tuple[Begun, float]] = {}
        self._words: list[Response] = []
        disk.mkdir(state)

    def __call__(self, claims: CommandClaims) -> Response:
        """Raises Refused."""
        unit = args_of(claims, RestartArgs).what
        if self._read(claims.id) is None:
            self._check_unit(unit)
            supervisor = supervisor_of(self._folders.supervisor, self._boot)
            if supervisor is None or unit not in supervisor.serves:
                why = "there is no supervisor that grants it" if supervisor is None else "its supervisor cannot do it"
                remedy = "set [command] reboot" if supervisor is not None and unit == NODE else "run the node by `edge run`"
                raise Refused("not_possible", f"{unit} cannot be restarted from afar: {why}", remedy=remedy)
            self._check_pace(claims, unit)
        return Response(id=claims.id, state="accepted")

    def begin(self, claims: CommandClaims) -> None:
        """The command is on record. What was known before is durable first: after a crash nothing is restarted twice."""
        unit = args_of(claims, RestartArgs).what
        begun = Begun(unit=unit, boot=self._boot, before=self._before(unit))
        try:
            self._disk.replace(self._path(claims.id), msgspec.json.encode(begun))
            leave_wish(self._folders.supervisor, Wish(id=claims.id, unit=unit))
        except StorageError as error:
            self._words.append(Response(id=claims.id, state="failed", code="StorageError", text=str(error)))
            return
        self._follow(claims.id, begun)

    def resume(self, claims: CommandClaims) -> None:
        """At a start of the agent, for each restart without a last word."""
        begun = self._read(claims.id)
        unit = args_of(claims, RestartArgs).what
        if unit == AGENT:
            self._words.append(_done(claims.id, unit, "the agent runs anew"))
        elif begun is None:
            self.begin(claims)
        else:
            self._follow(claims.id, begun)

    def look(self) -> list[Response]:
        """Last words there are by now. Quick: two small files at most for each that is open, of which there are six at most."""
        for id, (begun, ends_s) in list(self._open.items()):
            if self._alive(begun):
                self._words.append(_done(id, begun.unit, f"{begun.unit} runs anew"))
                del self._open[id]
            elif self._now_s() >= ends_s:
                self._words.append(Response(id=id, state="failed", code="not_seen", text=f"{begun.unit} was not seen alive again in time"))
                del self._open[id]
        words, self._words = self._words, []
        for word in words:
            with suppress(StorageError):  # the next start finds the last word in the ledger and passes it over
                self._disk.unlink(self._path(word.id))
        return words

    def _check_unit(self, unit: str) -> None:
        kind, _, camera = unit.partition(":")
        if kind == RECORDER and camera:
            known_camera(camera, self._cameras)
        elif unit not in (WATCHER, AGENT, NODE):
            raise Refused("unknown_unit", f"{unit[:80]!r} is no unit of a node", remedy="recorder:<camera>, watcher, agent or node")

    def _check_pace(self, claims: CommandClaims, unit: str) -> None:
        """By the times that commands state, as the dispatcher's quota."""
        others = [entry.claims for entry in self._ledger.entries() if _granted(entry.answer) and entry.claims.verb == VERB]
        others = [each for each in others if each.id != claims.id and abs(each.iat - claims.iat) < _HOUR_S]
        if any(each.args.get("what") == unit and abs(each.iat - claims.iat) < GAP_S for each in others):
            raise Refused("too_soon", f"{unit} was restarted less than {GAP_S} s ago", remedy="wait a minute")
        if len(others) >= PER_HOUR:
            raise Refused("quota", f"{PER_HOUR} restarts within an hour, by all operators together")

    def _before(self, unit: str) -> int:
        if unit == WATCHER:
            last = self._watched.last()
            return last.seq if last is not None else 0
        status = camera_status(self._folders, unit.partition(":")[2]) if unit.startswith(RECORDER) else None
        return status.pid if status is not None and status.boot == self._boot else 0

    def _alive(self, begun: Begun) -> bool:
        if begun.unit == NODE:
            return begun.boot != self._boot
        if begun.unit == WATCHER:
            try:
                return any(line.record.type == "boot" for line in self._watched.read(begun.before, durable=False))
            except StorageError:
                return False
        status = camera_status(self._folders, begun.unit.partition(":")[2])
        if status is None or status.boot != self._boot or status.state == "stopped":
            return False
        return begun.boot != self._boot or status.pid != begun.before

    def _follow(self, id: str, begun: Begun) -> None:
        self._open[id] = (begun, self._now_s() + (REBOOT_WITHIN_S if begun.unit == NODE else ALIVE_WITHIN_S))

    def _path(self, id: str) -> Path:
        return self._state / f"{id}.json"

    def _read(self, id: str) -> Begun | None:
        try:
            return msgspec.json.decode(self._disk.read(self._path(id)), type=Begun)
        except NotFound:
            return None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Begun(unit="", boot=self._boot)


def _granted(answer: Response | None) -> bool:
    return answer is not None and answer.state != "refused"


def _done(id: str, unit: str, text: str) -> Response:
    return Response(id=id, state="done", text=text, data={"what": unit})
