"""From a message on cmd/<verb> to an answer on resp/<verb>: checked, recorded, carried out at most once.

Anybody who can publish on the broker can send commands that will be refused, and repeat old ones, in any number: of those REFUSALS_MAX
within REFUSALS_WINDOW_S are recorded and answered, the others only counted, so that nobody can fill the journal.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from edge.clock import NS_PER_S, Clock
from edge.command.authority import Authority, unproven_id
from edge.command.ledger import Entry, Ledger, digest_of
from edge.errors import EdgeError, Refused, StorageError
from edge.link.inbox import CommandNews
from edge.link.topics import ALL, COMMAND_EXPIRY_MAX_S, is_level
from edge.messages.records import Command, Facts, Record
from edge.messages.wire import CommandClaims, Response

log = logging.getLogger(__name__)

COMMAND_MAX_BYTES = 8 * 1024
REFUSALS_MAX = 20
HOUR_S = 3600
FOR_ALL = ("identify", "report")
"""Verbs that change nothing and show no footage: all that is obeyed on the topic of all nodes."""
REFUSALS_WINDOW_S = 600


class Verb(Protocol):
    """Carries out one kind of command and returns its first answer (accepted, or done). Calling it twice for the same id must not do the
    thing twice: after a crash between taking and answering it is called again. Raises Refused; any other EdgeError becomes `failed`."""

    def __call__(self, claims: CommandClaims) -> Response: ...


class Journal(Protocol):
    def append(self, facts: Facts, camera: str | None = None) -> Record: ...


Answer = Callable[[str, Response, bytes | None], None]
"""(verb, response, correlation data): publishes it; when the broker has taken it, `Dispatcher.told` is called."""


class Dispatcher:
    """One thread. begin: called with the id of an accepted command, once its record is on disk: what is done in the background starts
    then."""

    def __init__(
        self,
        authority: Authority,
        ledger: Ledger,
        verbs: Mapping[str, Verb],
        journal: Journal,
        clock: Clock,
        answer: Answer,
        begin: Callable[[str], None],
        per_operator_and_hour: int,
    ) -> None:
        self._authority, self._ledger, self._verbs = authority, ledger, verbs
        self._journal, self._clock, self._answer, self._begin = journal, clock, answer, begin
        self._per_hour = per_operator_and_hour
        self._correlations: dict[str, bytes] = {}
        self.unrecorded: list[CommandClaims] = []
        """Accepted, not answered, not begun: the disk takes no record of them. A restart carries them out again."""
        self._window_began_ns = 0
        self._refusals = 0

    def take(self, news: CommandNews) -> None:
        """Never raises for what a command contains."""
        claims: CommandClaims | None = None
        try:
            if len(news.token) > COMMAND_MAX_BYTES:
                raise Refused("too_large", f"a command of {len(news.token)} bytes, at most {COMMAND_MAX_BYTES}")
            claims = self._authority.check(news.token, self._clock.read(), ALL if news.to_all else "")
            self._around(news, claims)
            if self._ledger.known(claims.id):
                self._again(claims, self._ledger.get(claims.id), news.correlation)
                return
            if self._ledger.forgotten(claims):
                raise Refused("too_old", "it could be one that was obeyed and is forgotten", remedy="sign a new one that names this boot")
            self._count(claims)
            self._ledger.take(claims, self._clock.boot_ns())
        except Refused as refused:
            self._refuse(news, claims, refused)
        except StorageError as error:
            self._refuse(news, claims, Refused("storage", f"the command cannot be kept: {error}"))
        else:
            if news.correlation is not None:
                self._correlations[claims.id] = news.correlation
            self._carry_out(claims)

    def resume(self) -> None:
        """After a start: carries out what was taken and never answered."""
        for entry in self._ledger.entries():
            if entry.answer is None:
                self._carry_out(entry.claims)

    def again(self) -> None:
        """Records what the disk refused to record, and begins it."""
        waiting, self.unrecorded = self.unrecorded, []
        for claims in waiting:
            self._carry_out(claims)

    def tell_again(self) -> None:
        """After a connection: answers that the broker has not taken yet."""
        for entry in self._ledger.entries():
            if entry.answer is not None and not entry.told:
                self._tell(entry.claims.verb, entry.answer)

    def news(self, response: Response) -> None:
        """A later answer (running, done, failed) to a command carried out in the background; the one it has already is not given again.
        Raises StorageError."""
        entry = self._ledger.get(response.id)
        if entry is not None and entry.answer != response:
            self._ledger.answer(response.id, response)
            self._tell(entry.claims.verb, response)

    def told(self, id: str, response: Response) -> None:
        """The broker has taken this answer."""
        entry = self._ledger.get(id)
        if entry is not None and entry.answer == response:
            self._ledger.told(id)
            if response.state not in ("accepted", "running"):
                self._correlations.pop(id, None)

    def _count(self, claims: CommandClaims) -> None:
        """By the times the commands state, so that neither a restart nor this node's clock gives anybody more; and by when they were taken
        in this boot, so that neither do times that nobody could check."""
        now_ns = self._clock.boot_ns()
        taken = sum(
            entry.claims.operator == claims.operator
            and entry.claims.verb == claims.verb
            and (abs(entry.claims.iat - claims.iat) < HOUR_S or self._ledger.taken_within(entry, HOUR_S, now_ns))
            for entry in self._ledger.entries()
        )
        if taken >= self._per_hour:
            text = f"{claims.operator[:80]} sent {taken} {claims.verb} commands within an hour"
            raise Refused("quota", text, remedy="wait, or raise [command] per_operator_and_hour of the node")

    def _around(self, news: CommandNews, claims: CommandClaims) -> None:
        """What MQTT says around the command must fit it."""
        if news.to_all and claims.verb not in FOR_ALL:
            raise Refused("not_for_all", f"{claims.verb} is asked of one node", remedy=f"to all: {', '.join(FOR_ALL)}")
        if news.retained:
            raise Refused("retained", "a command must not be retained")
        if news.expiry_s is None or news.expiry_s > COMMAND_EXPIRY_MAX_S:
            raise Refused("no_expiry", f"a command needs a message expiry of at most {COMMAND_EXPIRY_MAX_S} s")
        if news.verb != claims.verb:
            raise Refused("wrong_topic", f"{claims.verb!r} came on the topic of {news.verb!r}")

    def _again(self, claims: CommandClaims, entry: Entry | None, correlation: bytes | None) -> None:
        """The same id: its stored answer once more, and nothing else."""
        if entry is None or entry.digest != digest_of(claims):
            raise Refused("id_reused", f"the id {claims.id} was used for another command", remedy="choose a new id")
        if entry.answer is not None:
            self._answer(claims.verb, entry.answer, correlation)

    def _carry_out(self, claims: CommandClaims) -> None:
        try:
            verb = self._verbs.get(claims.verb)
            if verb is None:
                raise Refused("unknown_verb", f"this node does not know {claims.verb!r}")
            response = verb(claims)
        except Refused as refused:
            response = Response(id=claims.id, state="refused", code=refused.code, text=str(refused))
        except EdgeError as error:
            log.error("command %s (%s) failed: %s", claims.id, claims.verb, error)
            response = Response(id=claims.id, state="failed", code=type(error).__name__, text=str(error))
        except Exception as fault:  # the command is in the ledger: raised, it would end every start from now on
            log.exception("command %s (%s) met a fault of this program", claims.id, claims.verb)
            response = Response(id=claims.id, state="failed", code="fault", text=type(fault).__name__)
        recorded = self._append(_record(claims, response), _camera(claims))
        if response.state == "accepted" and not recorded:
            self.unrecorded.append(claims)
            return
        try:
            self.news(response)
        except StorageError as error:
            log.error("command %s: its answer is not stored: %s", claims.id, error)
            self._tell(claims.verb, response)
        if response.state == "accepted":
            self._begin(claims.id)

    def _refuse(self, news: CommandNews, claims: CommandClaims | None, refused: Refused) -> None:
        """Recorded and answered, up to REFUSALS_MAX in a window."""
        log.warning("a command on cmd/%s is refused: %s: %s", news.verb, refused.code, refused)
        now_ns = self._clock.boot_ns()
        if now_ns - self._window_began_ns > REFUSALS_WINDOW_S * NS_PER_S:
            if self._refusals > REFUSALS_MAX:
                text = f"{self._refusals - REFUSALS_MAX} more commands were refused"
                self._append(Command(id="", verb=news.verb, operator="", case="", state="refused", code="more", text=text))
            self._window_began_ns, self._refusals = now_ns, 0
        self._refusals += 1
        if self._refusals > REFUSALS_MAX:
            return
        id = claims.id if claims is not None else unproven_id(news.token[:COMMAND_MAX_BYTES])
        response = Response(id=id, state="refused", code=refused.code, text=str(refused))
        unproven = CommandClaims(id=id, verb=news.verb, aud="", iat=0, exp=0, operator="")
        self._append(_record(claims or unproven, response), _camera(claims or unproven))
        self._answer(news.verb, response, news.correlation)

    def _append(self, record: Command, camera: str | None = None) -> bool:
        """Whether it is on disk."""
        try:
            self._journal.append(record, camera)
        except StorageError as error:
            log.error("command %s (%s, %s) is not recorded: %s", record.id, record.verb, record.state, error)
            return False
        return True

    def _tell(self, verb: str, response: Response) -> None:
        self._answer(verb, response, self._correlations.get(response.id))


def _camera(claims: CommandClaims) -> str | None:
    """Which camera it is about, as far as it says: a month's account counts requests by camera."""
    camera = claims.args.get("camera")
    return camera if isinstance(camera, str) and is_level(camera) else None


def _record(claims: CommandClaims, response: Response) -> Command:
    return Command(
        id=claims.id,
        verb=claims.verb,
        operator=claims.operator[:256],
        case=claims.case[:256],
        state=response.state,
        code=response.code,
        text=response.text[:1024],
    )
