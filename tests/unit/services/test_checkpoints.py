"""The thread "seal": when it signs, what it puts into the journal, and that no signer holds anybody up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.clock import ManualClock, monotonic_s
from edge.errors import ConfigError, TryAgain
from edge.host.model_disk import Fault, ModelDisk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.evidence import Checkpoint, KeyNews
from edge.messages.records import AlarmRaised, Record, Stop, facts_of
from edge.seal.checkpoint import ReadCheckpoint, read_checkpoint
from edge.seal.jws import verify
from edge.seal.signer import Identity, SigningTrouble
from edge.services.checkpoints import ASKED_MAX, Checkpoints, Pace
from tests.support.signers import KeyDrawer, SilentSigner

JOURNALS = Path("/data/journal")
QUICK = Pace(every_s=0.01, first_retry_s=0.01, longest_retry_s=0.02, stuck_s=0.0)
NEVER = Pace(every_s=1e6)


class Node:
    """Journals of an agent and a recorder, and the thread over them."""

    def __init__(self, opener: Callable[[], Identity] | None, pace: Pace, disk: ModelDisk | None = None) -> None:
        self.disk = disk or ModelDisk()
        self.clock = ManualClock()
        self.agent = JournalWriter(self.disk, JOURNALS / "agent", self.clock, "boot-1")
        self.agent.open()
        self.recorder = JournalWriter(self.disk, JOURNALS / "recorder.cam0", self.clock, "boot-1")
        self.recorder.append(Stop(reason="one"))
        self.checkpoints = Checkpoints("pole-1", self.disk, JOURNALS, self.clock, self.agent, opener, pace, adapter="file")

    def records(self, kind: str) -> list[Record]:
        return [line.record for line in JournalReader(self.disk, JOURNALS / "agent").read(durable=False) if line.record.type == kind]

    def signed(self) -> list[ReadCheckpoint]:
        return [read_checkpoint(facts_of(record, Checkpoint).jws) for record in self.records("checkpoint")]

    def states(self) -> list[str]:
        return [facts_of(record, KeyNews).state for record in self.records("key")]

    def alarms(self) -> list[bool]:
        return [facts_of(record, AlarmRaised).active for record in self.records("alarm")]

    def until(self, holds: Callable[[], bool]) -> None:
        ends_s = monotonic_s() + 20
        pause = threading.Event()
        while not holds():
            assert monotonic_s() < ends_s, (self.states(), self.alarms(), len(self.signed()))
            pause.wait(0.002)


@contextmanager
def running(opener: Callable[[], Identity] | None, pace: Pace = NEVER, disk: ModelDisk | None = None) -> Iterator[Node]:
    node = Node(opener, pace, disk)
    node.checkpoints.start()
    try:
        yield node
    finally:
        node.checkpoints.stop(10)
    assert not node.checkpoints.thread.broken


def test_a_checkpoint_vouches_for_the_newest_record_of_every_journal() -> None:
    drawer = KeyDrawer()
    with running(drawer.open) as node:
        node.until(lambda: len(node.signed()) == 1)
        (read,) = node.signed()
        assert verify(read.jws, drawer.identity.certificates)
        assert (read.claims.node, read.claims.boot, read.claims.clip) == ("pole-1", "boot-1", "")
        assert {head.journal: head.seq for head in read.claims.heads} == {"recorder.cam0": 1}
        node.until(lambda: node.checkpoints.certificates == drawer.identity.certificates.decode())
        assert node.states() == ["in_force"]
        (news,) = (facts_of(record, KeyNews) for record in node.records("key"))
        assert (news.adapter, news.assurance, news.fingerprint) == ("file", "file", drawer.identity.fingerprint)
        assert (news.subject, news.not_after[:10]) == ("CN=pole-1", "9999-12-31")
    assert drawer.signer.closed == 1


def test_a_checkpoint_for_a_clip_is_made_at_once_and_is_in_the_journal_when_it_is_handed_out() -> None:
    with running(KeyDrawer().open) as node:
        node.until(lambda: len(node.signed()) == 1)
        token = node.checkpoints.request("clip-7")
        after = JournalReader(node.disk.power_cut(0), JOURNALS / "agent")
        kept = [facts_of(line.record, Checkpoint).jws for line in after.read() if line.record.type == "checkpoint"]
        assert kept[-1] == token
        claims = read_checkpoint(token).claims
        assert claims.clip == "clip-7"
        assert {head.journal: head.seq for head in claims.heads} == {"agent": 2, "recorder.cam0": 1}


def test_where_nothing_has_moved_nothing_is_signed() -> None:
    with running(KeyDrawer().open, QUICK) as node:
        node.until(lambda: len(node.signed()) == 2)
        looks = node.disk.operations
        node.until(lambda: node.disk.operations > looks + 100)
        assert len(node.signed()) == 2, "the second one covers what was recorded of the key; the third would cover the second alone"
        node.recorder.append(Stop(reason="two"))
        node.until(lambda: len(node.signed()) == 3)
        node.agent.append(Stop(reason="an alarm, a command ..."))
        node.until(lambda: len(node.signed()) == 4)
        heads = {head.journal: head.seq for head in node.signed()[-1].claims.heads}
        assert heads == {"agent": node.records("checkpoint")[-1].seq - 1, "recorder.cam0": 2}


def test_without_a_key_section_it_is_said_once_and_no_thread_is_started() -> None:
    with running(None) as node:
        assert node.states() == ["off"]
        assert node.alarms() == []
        assert not node.checkpoints.thread.alive
        with pytest.raises(SigningTrouble, match=r"no \[seal\] section"):
            node.checkpoints.request("clip-7")


@pytest.mark.parametrize("fault", [TryAgain("the token is not there"), ConfigError("seal.key: no private key")])
def test_a_key_that_is_missing_is_told_once_tried_again_and_used_when_it_comes(fault: TryAgain | ConfigError) -> None:
    drawer = KeyDrawer()
    drawer.fault = fault
    state = "broken" if isinstance(fault, ConfigError) else "missing"
    with running(drawer.open, QUICK) as node:
        node.until(lambda: drawer.opened > 4)
        assert (node.states(), node.alarms(), node.signed()) == ([state], [True], [])
        with pytest.raises(type(fault), match=str(fault)):
            node.checkpoints.request("clip-7")
        drawer.fault = None
        node.until(lambda: len(node.signed()) > 0)
        assert (node.states(), node.alarms()) == ([state, "in_force"], [True, False])


def test_one_failure_is_no_trouble_two_are_and_the_signer_is_opened_anew() -> None:
    drawer = KeyDrawer()
    with running(drawer.open) as node:
        node.until(lambda: len(node.signed()) == 1)
        drawer.signer.failures = 1
        node.checkpoints.request("a")
        assert (node.states(), drawer.opened) == (["in_force"], 1)
        drawer.signer.failures = 2
        with pytest.raises(SigningTrouble, match="chip"):
            node.checkpoints.request("b")
        assert (node.states(), node.alarms(), drawer.signer.closed) == (["in_force", "broken"], [True], 1)
        node.checkpoints.request("c")
        assert (node.states(), node.alarms(), drawer.opened) == (["in_force", "broken", "in_force"], [True, False], 2)


def test_a_signer_that_never_answers_is_told_of_by_another_thread_and_holds_up_nobody() -> None:
    with SilentSigner() as silent, running(lambda: Identity(silent, b"", "0" * 64), QUICK) as node:
        assert silent.asking.wait(10)
        assert node.states() == []
        with pytest.raises(SigningTrouble, match="no checkpoint within"):
            node.checkpoints.request("clip-7", deadline_s=0.01)
        for number in range(ASKED_MAX - 1):
            with pytest.raises(SigningTrouble, match="no checkpoint within"):
                node.checkpoints.request(f"more {number}", deadline_s=0.0)
        with pytest.raises(SigningTrouble, match="wait for the signer already"):
            node.checkpoints.request("one too many", deadline_s=10.0)
        node.checkpoints.look(monotonic_s())
        node.checkpoints.look(monotonic_s())
        assert (node.states(), node.alarms()) == (["broken"], [True])
        node.agent.append(Stop(reason="a command is answered meanwhile"))
        silent.let_go()


def test_a_signer_that_never_answers_does_not_keep_the_agent_from_ending() -> None:
    with SilentSigner() as silent:
        node = Node(lambda: Identity(silent, b"", "0" * 64), QUICK)
        node.checkpoints.start()
        assert silent.asking.wait(10)
        before_s = monotonic_s()
        node.checkpoints.stop(0.05)
        assert monotonic_s() - before_s < 5
        assert node.checkpoints.thread.alive
        silent.let_go()
        assert node.checkpoints.thread.join(10)


def test_whoever_waits_for_a_checkpoint_while_the_agent_stops_is_told_at_once() -> None:
    with SilentSigner() as silent:
        node = Node(lambda: Identity(silent, b"", "0" * 64), QUICK)
        node.checkpoints.start()
        assert silent.asking.wait(10)
        told: list[str] = []

        def ask() -> None:
            try:
                node.checkpoints.request("clip-7", deadline_s=60.0)
            except SigningTrouble as error:
                told.append(str(error))

        asking = threading.Thread(target=ask)
        asking.start()
        node.checkpoints.stop(0.0)
        silent.let_go()
        asking.join(10)
        assert told == ["the agent is stopping"]
        assert node.checkpoints.thread.join(10)
        with pytest.raises(SigningTrouble, match="stopping"):
            node.checkpoints.request("clip-8")


def test_a_disk_that_refuses_is_no_trouble_of_the_key() -> None:
    with running(KeyDrawer().open, QUICK) as node:
        node.until(lambda: len(node.signed()) == 2)
        node.recorder.append(Stop(reason="two"))
        node.disk.fault = Fault(node.disk.operations + 1, "ENOSPC", forever=True)
        before = node.disk.operations
        node.until(lambda: node.disk.operations > before + 20)
        node.disk.fault = None
        node.until(lambda: any(head.seq == 2 for read in node.signed() for head in read.claims.heads if head.journal != "agent"))
        assert node.states() == ["in_force"]
        assert JournalReader(node.disk, JOURNALS / "agent").verify() == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_opener_with_a_bug_ends_the_thread_so_that_the_service_manager_sees_it() -> None:
    def bug() -> Identity:
        raise LookupError("a bug")

    node = Node(bug, QUICK)
    node.checkpoints.start()
    node.checkpoints.thread.join(10)
    assert node.checkpoints.thread.broken
