"""A change of the configuration from afar, its power cut at every single operation of the disk, and the disk refusing at every one.

Whenever the node comes up again its node.toml is one of the two documents, whole. In the end the change is kept where the node connects
under it and gone where it does not; the journal says which, and so does what was reported.
"""

from __future__ import annotations

import hashlib
from contextlib import nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge.clock import ManualClock
from edge.command.authority import Authority
from edge.command.config_desk import Change, ConfigDesk, Surroundings
from edge.config.afar import Considered, consider
from edge.config.read import Loaded, parse_config
from edge.config.trial import BOOTS_MAX, EDITED, read_trial
from edge.errors import StorageError
from edge.host.model_disk import Fault, ModelDisk, PowerLost
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.evidence import ConfigTrial
from edge.messages.records import facts_of
from edge.messages.wire import Response
from edge.services.config_guard import ConfigGuard

PATH = Path("/etc/edge/node.toml")
STATE = Path("/data/agent/config.json")
JOURNAL = Path("/data/journal/agent")
BEFORE = '[node]\nid = "pole-1"\ndata = "/data"\n\n[[camera]]\nid = "cam0"\nsource = "synthetic:"\n'
WANTED = BEFORE + "\n[watch]\nend_s = 7.0\n"
AUTHORITY = Authority("pole-1", "b", ec.generate_private_key(ec.SECP256R1()).public_key())
TURN_S = 5.0


@cache
def loaded_of(data: bytes) -> Loaded:
    config, origins = parse_config(data, PATH)
    return Loaded(config, PATH, hashlib.sha256(data).hexdigest(), None, origins, data)


@cache
def considered(sha256_before: str) -> Considered:
    return consider(next(each for each in map(loaded_of, (BEFORE.encode(), WANTED.encode())) if each.sha256 == sha256_before), WANTED)


class Pole:
    """A supervisor and an agent, turn by turn. connects: whether the agent finds its broker under the new configuration."""

    def __init__(self, *, connects: bool) -> None:
        self.connects = connects
        self.disk = ModelDisk()
        self.clock = ManualClock()
        self.disk.mkdir(PATH.parent)
        self.disk.mkdir(STATE.parent)
        self.disk.replace(PATH, BEFORE.encode())
        self.boots = 0
        self.words: list[Response] = []
        self.boot()

    def boot(self) -> None:
        """Power came: the supervisor first, then the agent with whatever node.toml says now."""
        self.boots += 1
        self.now_s = 0.0
        self.guard = ConfigGuard(self.disk, PATH, f"boot-{self.boots}", nullcontext, lambda: self.now_s)
        self.guard.start()
        self.start_agent()

    def start_agent(self) -> None:
        data = self.disk.read(PATH)
        assert data.decode() in (BEFORE, WANTED), "neither the one nor the other"
        self.loaded = loaded_of(data)
        journal = JournalWriter(self.disk, JOURNAL, self.clock, f"boot-{self.boots}")
        around = Surroundings(lambda: True, lambda trial: self.connects, dict, nullcontext, lambda reported: None)
        self.desk = ConfigDesk(self.loaded, self.disk, journal, AUTHORITY, STATE, around, lambda: self.now_s)

    def ask(self) -> None:
        """As the agent does with a command that is on record and has no last word, now and at each start."""
        if not self.words and not self.desk.knows("c1"):
            self.desk.begin(Change("c1", "a.nowak", "tuning", WANTED, considered(self.loaded.sha256), 30))

    def live(self, turns: int = 14) -> None:
        """What goes wrong with the disk is tried again in the next turn."""
        for _ in range(turns):
            self.now_s += TURN_S
            with suppress(StorageError):
                self.words += self.desk.look()
            if "agent" in self.guard.look(self.now_s):
                self.start_agent()

    def life(self) -> None:
        self.ask()
        self.live()

    def power_cut(self, seed: int) -> None:
        self.disk = self.disk.power_cut(seed)
        self.boot()
        self.ask()
        self.live()

    @property
    def outcome(self) -> tuple[str, str, list[str]]:
        """(node.toml, reported, last words); no trial may be left. The same last word again is none: the ledger has it."""
        assert read_trial(self.disk, PATH) is None
        text = "wanted" if self.disk.read(PATH) == WANTED.encode() else "before"
        words = {msgspec.json.encode(word): word.state for word in self.words}
        return (text, self.desk.reported.state, list(words.values()))

    def records(self) -> list[str]:
        lines = JournalReader(self.disk, JOURNAL).read()
        return [facts_of(line.record, ConfigTrial).state for line in lines if line.record.type == "config_trial"]


KEPT = ("wanted", "in_force", ["done"])
GONE = ("before", "rolled_back", ["failed"])


@cache
def operations(connects: bool) -> tuple[int, int]:
    """(of the disk before the change is asked for, until it has ended)"""
    pole = Pole(connects=connects)
    first = pole.disk.operations
    pole.ask()
    pole.live()
    return first, pole.disk.operations


@pytest.mark.parametrize("connects", [True, False])
def test_without_trouble_a_change_is_kept_or_taken_back_and_told_once(connects: bool) -> None:
    pole = Pole(connects=connects)
    pole.ask()
    pole.live()
    assert pole.outcome == (KEPT if connects else GONE)
    assert pole.records() == ["accepted", "in_force" if connects else "rolled_back"]


@pytest.mark.parametrize("connects", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_power_may_go_at_every_operation(connects: bool, seed: int) -> None:
    first, last = operations(connects)
    for at in range(first + 1, last + 1):
        pole = Pole(connects=connects)
        pole.disk.fault = Fault(at=at, kind="power")
        with pytest.raises(PowerLost):
            pole.life()
        pole.power_cut(at + seed)
        assert pole.outcome == (KEPT if connects else GONE), f"power at {at}, seed {at + seed}"
        assert {"accepted", pole.desk.reported.state} <= set(pole.records()), at


@pytest.mark.parametrize("connects", [True, False])
@pytest.mark.parametrize("kind", ["ENOSPC", "EIO", "short"])
def test_the_disk_may_refuse_any_operation(connects: bool, kind: Literal["ENOSPC", "EIO", "short"]) -> None:
    """What was refused before it was wanted has failed and changed nothing; what was wanted ends as if nothing had happened."""
    first, last = operations(connects)
    for at in range(first + 1, last + 1):
        pole = Pole(connects=connects)
        pole.disk.fault = Fault(at=at, kind=kind)
        try:
            pole.ask()
            pole.live()
        except StorageError:  # the agent could not read node.toml at its start, and is started again
            pole.start_agent()
            pole.live()
        assert pole.outcome in ((KEPT if connects else GONE), ("before", "in_force", ["failed"])), f"{kind} at {at}"


def test_a_machine_that_falls_over_under_it_gets_the_old_one_after_some_boots() -> None:
    """Each time before its time is over."""
    pole = Pole(connects=False)
    pole.ask()
    pole.live(2)
    for boot in range(BOOTS_MAX):
        assert pole.disk.read(PATH) == WANTED.encode(), boot
        pole.disk = pole.disk.power_cut(boot)
        pole.boot()
        pole.live(2)
    pole.live()
    assert pole.outcome == GONE
    assert "boots" in pole.words[0].text


def test_a_file_that_was_edited_on_the_node_meanwhile_is_left_alone() -> None:
    pole = Pole(connects=False)
    pole.ask()
    pole.live(2)
    edited = (BEFORE + "# by hand\n").encode()
    pole.disk.replace(PATH, edited)
    pole.guard.start()
    trial = read_trial(pole.disk, PATH)
    assert trial is not None
    assert (trial.state, trial.why) == ("rolled_back", EDITED)
    for _ in range(20):
        pole.now_s += TURN_S
        pole.guard.look(pole.now_s)
    assert pole.disk.read(PATH) == edited
