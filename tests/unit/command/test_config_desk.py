"""The agent's part of a change: what it takes up, when it waits, and what it never obeys."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from pathlib import Path

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge.clock import ManualClock
from edge.command.authority import Authority
from edge.command.config_desk import UNTAKEN_S, Change, ConfigDesk, Surroundings
from edge.config.afar import consider
from edge.config.read import read_config
from edge.config.trial import read_trial, write_trial
from edge.errors import Refused
from edge.host.linux_disk import LinuxDisk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.config import ConfigReported, DesiredConfig, Trial
from edge.messages.evidence import ConfigTrial
from edge.messages.records import facts_of
from tests.support.nodefile import SMALLEST, write_config

KEY = ec.generate_private_key(ec.SECP256R1())
WANTED = SMALLEST + "[watch]\nend_s = 7\n"


class Agent:
    """An agent under what node.toml says when it is made."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.disk, self.now_s = folder, LinuxDisk(), 0.0
        self.path = folder / "node.toml"
        if not self.path.exists():
            write_config(folder)
        self.loaded = read_config(self.path)
        self.supervised, self.proven = True, True
        self.told: list[ConfigReported] = []
        journal = JournalWriter(self.disk, folder / "journal", ManualClock(), "b")
        around = Surroundings(lambda: self.supervised, lambda trial: self.proven, dict, nullcontext, self.told.append)
        authority = Authority("pole-1", "b", KEY.public_key())
        self.desk = ConfigDesk(self.loaded, self.disk, journal, authority, folder / "config.json", around, lambda: self.now_s)

    def begin(self, id: str = "c1") -> None:
        self.desk.begin(Change(id, "a.nowak", "tuning", WANTED, consider(self.loaded, WANTED), 30))

    def desire(self, version: int, toml: str = WANTED, key: ec.EllipticCurvePrivateKey = KEY, **more: object) -> None:
        wanted = msgspec.structs.replace(DesiredConfig(aud="pole-1", version=version, operator="a.nowak", toml=toml), **more)
        self.desk.desired(jwt.PyJWS().encode(msgspec.json.encode(wanted), key, algorithm="ES256").encode())

    @property
    def trial(self) -> Trial | None:
        return read_trial(self.disk, self.path)

    @property
    def said(self) -> tuple[int, str]:
        return self.desk.reported.version, self.desk.reported.state

    def records(self) -> list[str]:
        return [facts_of(line.record, ConfigTrial).state for line in JournalReader(self.disk, self.folder / "journal").read()]

    def set_state(self, state: str) -> None:
        """As the supervisor would."""
        assert self.trial is not None
        text = self.trial.before if state == "rolled_back" else self.trial.wanted
        write_trial(self.disk, self.path, msgspec.convert(msgspec.to_builtins(self.trial) | {"state": state}, Trial))
        self.path.write_text(text)


def refusal(agent: Agent, sha256_before: str, id: str = "c2") -> str:
    with pytest.raises(Refused) as refused:
        agent.desk.check(id, sha256_before)
    return refused.value.code


def test_a_change_begins_only_from_what_is_in_force_and_one_at_a_time(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    sha256 = agent.loaded.sha256
    assert refusal(agent, "0" * 64) == "config_differs"
    agent.desk.check("c1", sha256)
    agent.begin("c1")
    assert refusal(agent, sha256) == "busy"
    agent.desk.check("c1", sha256)
    agent.path.write_text(SMALLEST + "# by hand\n")
    assert refusal(agent, sha256) == "config_differs"
    agent.supervised = False
    assert refusal(agent, sha256) == "not_possible"


def test_a_change_that_no_supervisor_takes_up_is_given_up(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.begin()
    assert agent.desk.look() == []
    agent.now_s = UNTAKEN_S
    agent.desk.look()
    (word,) = agent.desk.look()
    assert (word.state, word.code, word.text) == ("failed", "rolled_back", "no supervisor took it up")
    agent.desk.look()
    assert agent.trial is None
    assert agent.path.read_text() == SMALLEST


def test_a_change_is_confirmed_by_the_agent_that_runs_under_it_and_by_no_other(tmp_path: Path) -> None:
    first = Agent(tmp_path)
    first.begin()
    first.set_state("trying")
    assert first.desk.look() == [], "the old agent, still there"
    second = Agent(tmp_path)
    second.proven = False
    assert second.desk.look() == []
    second.proven = True
    (word,) = second.desk.look()
    assert (word.state, word.data) == ("done", {"sha256": hashlib.sha256(WANTED.encode()).hexdigest()})
    assert [each.state for each in second.told] == ["in_force"]
    second.desk.look()
    assert second.trial is None
    assert second.records() == ["accepted", "in_force"]


def test_a_desired_document_is_taken_up_once_by_its_version(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.desire(5)
    assert agent.said == (5, "pending")
    assert agent.trial is not None
    assert (agent.trial.id, agent.trial.version) == ("desired-5", 5)
    agent.desire(5)
    agent.set_state("rolled_back")
    (word,) = agent.desk.look()
    assert word.id == "desired-5"
    agent.desk.look()
    for version in (5, 4, 1):
        agent.desire(version)
        assert agent.trial is None, "a retained message comes again at each connection"
    assert Agent(tmp_path).said == (5, "rolled_back")


def test_a_desired_document_waits_for_the_end_of_another_change(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.begin("c1")
    agent.desire(6, SMALLEST + "[watch]\nend_s = 9\n")
    assert agent.said == (0, "pending")
    agent.set_state("rolled_back")
    for _ in range(3):
        agent.desk.look()
    assert agent.said == (6, "pending")
    assert agent.trial is not None
    assert "end_s = 9" in agent.trial.wanted


def test_a_document_that_is_in_force_already_is_only_noted(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.desire(3, SMALLEST)
    assert agent.said == (3, "in_force")
    assert agent.trial is None


@pytest.mark.parametrize(
    ("toml", "more", "path"),
    [
        (SMALLEST.replace("pole-1", "pole-2"), {}, "node.id"),
        ("not toml", {}, ""),
        (WANTED, {"sha256_before": "0" * 64}, ""),
        (WANTED, {"confirm_s": 1}, ""),
        (WANTED + "#" * 50_000, {}, ""),
    ],
)
def test_a_document_that_cannot_be_is_rejected_once_with_the_reason(tmp_path: Path, toml: str, more: dict[str, object], path: str) -> None:
    agent = Agent(tmp_path)
    agent.desire(3, toml, KEY, **more)
    agent.desire(3, toml, KEY, **more)
    assert agent.said == (3, "rejected")
    assert path in [problem.path for problem in agent.desk.reported.problems]
    assert (agent.records(), agent.trial) == (["rejected"], None)


def test_what_nobody_signed_changes_nothing_not_even_what_is_reported(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.desire(9, key=ec.generate_private_key(ec.SECP256R1()))
    agent.desire(9, aud="pole-2")
    agent.desk.desired(b"\x00" * 100)
    assert (agent.said, agent.told, agent.trial) == ((0, "in_force"), [], None)


def test_a_damaged_note_of_what_was_reported_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"{")
    assert Agent(tmp_path).said == (0, "in_force")
