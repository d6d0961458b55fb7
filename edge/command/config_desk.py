"""The agent's part of a configuration on trial: it asks for it, confirms it by its own connection, and says what became of it.

Changes come by the verb config or as the retained `config/desired`. Each step is durable before the next: an agent that dies anywhere
goes on where it was, from node.toml.trial and its own `<data>/agent/config.json`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.clock import monotonic_s
from edge.command.authority import Authority
from edge.command.dispatch import Journal
from edge.config.afar import Considered, consider
from edge.config.problems import Problem
from edge.config.read import Loaded
from edge.config.trial import end_trial, read_trial, write_trial
from edge.errors import NotFound, Refused, StorageError, TryAgain
from edge.host.disk import Disk
from edge.messages.config import CONFIRM_MAX_S, CONFIRM_MIN_S, TOML_MAX_BYTES, ConfigReported, DesiredConfig, Trial
from edge.messages.evidence import ConfigTrial
from edge.messages.wire import Response

log = logging.getLogger(__name__)

UNTAKEN_S = 60.0
"""No supervisor has taken it up by then: it is given up."""
_PROBLEMS = 40
_WORD = {"in_force": "in force", "rolled_back": "rolled back"}


@dataclass(frozen=True, slots=True)
class Change:
    """One that is asked for. version: 0 where it came as a command."""

    id: str
    operator: str
    case: str
    toml: str
    considered: Considered
    confirm_s: int
    version: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """supervised: whether somebody puts a trial in force. proven: whether the node works under it. pids: of the recorders now. turn: as the
    supervisor's guard takes it. tell: publishes `config/reported`."""

    supervised: Callable[[], bool]
    proven: Callable[[Trial], bool]
    pids: Callable[[], dict[str, int]]
    turn: Callable[[], AbstractContextManager[None]]
    tell: Callable[[ConfigReported], None]


class ConfigDesk:
    """The agent's main thread. state: the file of what was reported last."""

    def __init__(
        self,
        loaded: Loaded,
        disk: Disk,
        journal: Journal,
        authority: Authority,
        state: Path,
        around: Surroundings,
        now_s: Callable[[], float] = monotonic_s,
    ) -> None:
        self._loaded, self._disk, self._journal, self._authority = loaded, disk, journal, authority
        self._path, self._state, self._around, self._now_s = loaded.path, state, around, now_s
        self._said = self._read()
        self._words: list[Response] = []
        self._ended = ""
        self._wanted_since_s: float | None = None
        self._waiting: bytes | None = None

    @property
    def reported(self) -> ConfigReported:
        return msgspec.structs.replace(self._said, sha256=self._loaded.sha256)

    def check(self, id: str, sha256_before: str) -> None:
        """Whether a change may begin. Raises Refused: not_possible, config_differs, busy."""
        if not self._around.supervised():
            raise Refused("not_possible", "nobody here would put it in force, or take it back", remedy="run the node by `edge run`")
        why = self._differs(sha256_before)
        if why:
            raise Refused("config_differs", why, remedy="look at it with do = show, and ask again")
        trial = read_trial(self._disk, self._path)
        if trial is not None and trial.id != id:
            raise Refused("busy", f"a configuration is on trial ({trial.id})", remedy="wait until it is confirmed or rolled back")

    def knows(self, id: str) -> bool:
        """It has begun, or has ended already."""
        trial = read_trial(self._disk, self._path)
        if self._said.id == id and self._said.state in ("in_force", "rolled_back") and (trial is None or trial.id != id):
            self._words.append(_word(id, self._said.state, self._loaded.sha256, "; ".join(each.text for each in self._said.problems)))
        return self._said.id == id or (trial is not None and trial.id == id)

    def begin(self, change: Change) -> None:
        """On record, then wanted. What cannot be any more is told by `look`."""
        try:
            with self._around.turn():
                if read_trial(self._disk, self._path) is not None or self._differs(""):
                    raise Refused("config_differs", "the configuration changed meanwhile")
                self._record(change.id, change.operator, change.case, "accepted", change.considered.sha256, change.version)
                write_trial(self._disk, self._path, self._trial(change))
        except (Refused, StorageError, TryAgain) as error:
            trial = read_trial(self._disk, self._path)
            if trial is None or trial.id != change.id:  # else the disk complained too late: it is wanted
                code = error.code if isinstance(error, Refused) else type(error).__name__
                log.error("the configuration %s is not tried: %s", change.id, error)
                self._words.append(Response(id=change.id, state="failed", code=code, text=str(error)))
                return
        try:
            self._say(change.id, "pending", version=change.version)
        except StorageError as error:
            log.error("that the configuration %s is tried is not told: %s", change.id, error)

    def look(self) -> list[Response]:
        """Last words there are by now. Quick: one small file."""
        trial = read_trial(self._disk, self._path)
        if trial is not None:
            with self._around.turn():
                trial = read_trial(self._disk, self._path)
                if trial is not None:
                    self._judge(trial)
        elif self._waiting is not None:
            token, self._waiting = self._waiting, None
            self.desired(token)
        words, self._words = self._words, []
        return words

    def desired(self, token: bytes) -> None:
        """`config/desired` arrived. One that nobody signed is logged and changes nothing; it may be a broker's own."""
        try:
            wanted = self._authority.check_desired(token)
        except Refused as refused:
            log.warning("config/desired is not obeyed: %s: %s", refused.code, refused)
            return
        if wanted.version <= self._said.version:
            return
        trial = read_trial(self._disk, self._path)
        id = f"desired-{wanted.version}"
        if trial is not None and trial.id != id:
            self._waiting = token
        elif trial is not None:
            self._say(id, "pending", version=wanted.version)
        else:
            self._take_up(id, wanted)

    def _take_up(self, id: str, wanted: DesiredConfig) -> None:
        considered = consider(self._loaded, wanted.toml)
        if considered.sha256 == self._loaded.sha256 and not considered.problems:
            self._say(id, "in_force", version=wanted.version)
            return
        problems = [*considered.problems, *self._obstacles(wanted)]
        if not problems:
            change = Change(id, wanted.operator, wanted.case, wanted.toml, considered, wanted.confirm_s, wanted.version)
            self.begin(change)
            return
        why = "; ".join(str(problem) for problem in problems)[:1000]
        self._record(id, wanted.operator, wanted.case, "rejected", considered.sha256, wanted.version, why)
        self._say(id, "rejected", problems, version=wanted.version)

    def _obstacles(self, wanted: DesiredConfig) -> list[Problem]:
        found = []
        if len(wanted.toml.encode("utf-8")) > TOML_MAX_BYTES or not CONFIRM_MIN_S <= wanted.confirm_s <= CONFIRM_MAX_S:
            found.append(Problem("", f"at most {TOML_MAX_BYTES} bytes; confirm_s must be {CONFIRM_MIN_S}-{CONFIRM_MAX_S}"))
        try:
            self.check(f"desired-{wanted.version}", wanted.sha256_before or self._loaded.sha256)
        except Refused as refused:
            found.append(Problem("", f"{refused.code}: {refused}"))
        return found

    def _judge(self, trial: Trial) -> None:
        """In turn with the supervisor. Raises StorageError: the next look does it."""
        if trial.id == self._ended:
            end_trial(self._disk, self._path)
            self._ended = ""
        elif trial.state == "wanted":
            self._give_up_untaken(trial)
        elif trial.state == "trying" and self._loaded.sha256 == trial.wanted_sha256 and self._around.proven(trial):
            self._finish(write_trial(self._disk, self._path, msgspec.structs.replace(trial, state="confirmed")), "in_force")
        elif trial.state == "confirmed":
            self._finish(trial, "in_force")
        elif trial.state == "rolled_back" and self._loaded.sha256 != trial.wanted_sha256:
            self._finish(trial, "rolled_back")

    def _give_up_untaken(self, trial: Trial) -> None:
        if self._wanted_since_s is None:
            self._wanted_since_s = self._now_s()
        elif self._now_s() - self._wanted_since_s >= UNTAKEN_S:
            why = "no supervisor took it up"
            write_trial(self._disk, self._path, msgspec.structs.replace(trial, state="rolled_back", why=why))
            self._wanted_since_s = None

    def _finish(self, trial: Trial, state: str) -> None:
        """The record, then the report, then the last word, which is durable before the trial is forgotten."""
        done = state == "in_force"
        if (self._said.id, self._said.state) != (trial.id, state):
            self._record(
                trial.id, trial.operator, trial.case, state, trial.wanted_sha256, trial.version, trial.why, before=trial.before_sha256
            )
            self._say(trial.id, state, [] if done else [Problem("", trial.why)], version=trial.version)
        log.log(logging.INFO if done else logging.ERROR, "configuration %s: %s %s", trial.id, _WORD[state], trial.why)
        self._words.append(_word(trial.id, state, self._loaded.sha256, trial.why))
        self._ended = trial.id

    def _trial(self, change: Change) -> Trial:
        return Trial(
            id=change.id,
            operator=change.operator[:256],
            case=change.case[:256],
            version=change.version,
            before=self._loaded.data.decode("utf-8"),
            before_sha256=self._loaded.sha256,
            wanted=change.toml,
            wanted_sha256=change.considered.sha256,
            units=list(change.considered.units),
            confirm_s=change.confirm_s,
            pids=self._around.pids(),
        )

    def _differs(self, sha256_before: str) -> str:
        """Why what is in force is not what the asker has seen; "" where it is. sha256_before: "" is not asked about in `begin`."""
        if self._loaded.fault is not None:
            return "node.toml is broken: the last good copy is in force"
        if self._disk.read(self._path) != self._loaded.data:
            return "node.toml was edited on the node since its processes started"
        if sha256_before and sha256_before != self._loaded.sha256:
            return f"in force is {self._loaded.sha256}"
        return ""

    def _record(
        self, id: str, operator: str, case: str, state: str, wanted: str, version: int, why: str = "", before: str | None = None
    ) -> None:
        """Raises StorageError."""
        facts = {"id": id, "operator": operator[:256], "case": case[:256], "state": state, "wanted": wanted, "version": version}
        facts |= {"before": self._loaded.sha256 if before is None else before, "why": why[:1024]}
        self._journal.append(msgspec.convert(facts, ConfigTrial))

    def _say(self, id: str, state: str, problems: list[Problem] | None = None, version: int = 0) -> None:
        """Durable, then told. Raises StorageError."""
        listed = [{"path": each.path, "text": each.text[:300]} for each in (problems or [])[:_PROBLEMS]]
        seen = max(version, self._said.version)
        facts = {"version": seen, "sha256": self._loaded.sha256, "state": state, "id": id, "problems": listed}
        said = msgspec.convert(facts, ConfigReported)
        self._disk.replace(self._state, msgspec.json.encode(said))
        self._said = said
        self._around.tell(self.reported)

    def _read(self) -> ConfigReported:
        try:
            return msgspec.json.decode(self._disk.read(self._state), type=ConfigReported)
        except NotFound:
            pass
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.error("%s does not read: %s", self._state, error)
        return ConfigReported(version=0, sha256=self._loaded.sha256, state="in_force")


def _word(id: str, state: str, sha256: str, why: str) -> Response:
    if state == "in_force":
        return Response(id=id, state="done", text="in force and confirmed", data={"sha256": sha256})
    return Response(id=id, state="failed", code="rolled_back", text=why, data={"sha256": sha256})
