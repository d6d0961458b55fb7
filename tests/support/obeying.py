"""A dispatcher over the model disk with one verb, `note`, that only counts."""

from __future__ import annotations

from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from edge.centre.keys import sign_command
from edge.clock import NS_PER_S, ManualClock
from edge.command.authority import Authority
from edge.command.dispatch import Dispatcher
from edge.command.ledger import MOST, Ledger
from edge.config import on_request
from edge.host.model_disk import ModelDisk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.link.inbox import CommandNews
from edge.messages.records import Command, facts_of
from edge.messages.wire import CommandClaims, Response

KEY = ec.generate_private_key(ec.SECP256R1())
BOOT = "this-boot"
FOLDER = Path("/data/agent/commands")

PER_OPERATOR_AND_HOUR = on_request.Command().per_operator_and_hour


class Node:
    """A dispatcher with a verb that counts; `again` is the node after a restart, `rebooted` after a power cut."""

    def __init__(
        self,
        disk: ModelDisk | None = None,
        clock: ManualClock | None = None,
        boot: str = BOOT,
        most: int = MOST,
        done: list[str] | None = None,
    ) -> None:
        self.disk = disk or ModelDisk()
        self.clock = clock or ManualClock()
        self.boot, self.most = boot, most
        self.done: list[str] = [] if done is None else done
        self.begun: list[str] = []
        self.answers: list[tuple[str, Response, bytes | None]] = []
        self.trouble: Exception | None = None
        self.ledger = Ledger(self.disk, FOLDER, boot, most)
        self.journal = JournalWriter(self.disk, Path("/data/journal/agent"), self.clock, boot)
        self.journal.open()
        authority = Authority("pole-1", boot, KEY.public_key())
        self.dispatcher = Dispatcher(
            authority,
            self.ledger,
            {"note": self._note, "identify": self._note},
            self.journal,
            self.clock,
            lambda *words: self.answers.append(words),
            self.begun.append,
            PER_OPERATOR_AND_HOUR,
        )

    def _note(self, claims: CommandClaims) -> Response:
        if self.trouble is not None:
            raise self.trouble
        self.done.append(claims.id)
        return Response(id=claims.id, state="accepted")

    def again(self) -> Node:
        return Node(self.disk, self.clock, self.boot, self.most)

    def rebooted(self, boot: str, seed: int = 0) -> Node:
        """UTC goes on as the hardware kept it, the monotonic clock begins anew; `done` is one list for the node's whole life."""
        now = self.clock.read()
        clock = ManualClock(now.utc_ns, state=now.state)
        return Node(self.disk.power_cut(seed), clock, boot, self.most, self.done)

    def token(self, id: str = "c1", **changes: object) -> bytes:
        now_s = self.clock.read().utc_ns // NS_PER_S
        good = CommandClaims(id=id, verb="note", aud="pole-1", iat=now_s, exp=now_s + 300, operator="a.nowak", case="12/26")
        return sign_command(KEY, msgspec.structs.replace(good, **changes))

    def take(
        self, token: bytes, *, verb: str = "note", retained: bool = False, expiry_s: int | None = 300, to_all: bool = False
    ) -> Response:
        self.dispatcher.take(CommandNews(verb, token, retained, expiry_s, b"corr", to_all))
        return self.answers[-1][1]

    def records(self) -> list[Command]:
        lines = JournalReader(self.disk, Path("/data/journal/agent")).read()
        return [facts_of(line.record, Command) for line in lines]
