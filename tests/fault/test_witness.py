"""Nodes that sign, a real broker, a centre that keeps what it was told: what arrives, what survives, who is caught, who goes on working."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from edge.centre.audit import audit_node
from edge.centre.findings import Finding
from edge.centre.first_seen import Seen, read_seen
from edge.centre.keys import make_keys
from edge.centre.statement import witness_statement
from edge.clock import monotonic_s
from edge.config.model import Seal
from edge.host.linux_disk import LinuxDisk
from edge.journal.reader import JournalReader
from edge.messages.evidence import CheckpointClaims, Head, KeyNews
from edge.messages.records import AlarmRaised, Stop, facts_of
from edge.seal.catalog import create_key, open_signer
from edge.seal.checkpoint import read_checkpoint
from edge.seal.trust import Roots, read_roots
from tests.support import identities, softhsm
from tests.support.agents import NODE, AgentProcess, Town, writer_of
from tests.support.mosquitto import Mosquitto
from tests.support.softhsm import TOKEN, SoftHsm

CAMERA_JOURNAL = "recorder.cam0"
AUTHORITY = identities.Town()
ROOTS: Roots = read_roots(AUTHORITY.root)


class Stage:
    """One broker, one node's folder with a key in a file, one town's folder."""

    def __init__(self, broker: Mosquitto, folder: Path) -> None:
        self.broker, self.folder = broker, folder
        self.private, self.public = make_keys(folder / "keys")
        self.key = folder / "media.key"
        self.certificate = folder / "media.pem"
        self.certificate.write_bytes(AUTHORITY.certify(NODE))
        self.write_key()

    def write_key(self) -> None:
        self.key.touch(0o600)
        self.key.write_bytes(identities.pem_of_key(AUTHORITY.key_of(NODE)))

    def agent(self, seal: str = "") -> AgentProcess:
        section = seal or f'key = "{self.key}"'
        return AgentProcess(
            self.folder / "node",
            self.broker.port,
            f'command_key = "{self.public}"',
            f'[seal]\ncertificate = "{self.certificate}"\ncheckpoint_s = 5\n{section}\n[health]\ninterval_s = 5\n',
        )

    def town(self) -> WitnessTown:
        return WitnessTown(self.broker.port, self.folder / "town", self.private)

    @property
    def data(self) -> Path:
        return self.folder / "node" / "data"

    def record(self, count: int, text: str = "footage") -> None:
        """What a recorder writes, in a few words."""
        writer = writer_of(self.data, CAMERA_JOURNAL)
        writer.append_all([Stop(reason=f"{text} {number}") for number in range(count)])
        writer.close()

    def key_states(self) -> list[str]:
        lines = JournalReader(LinuxDisk(), self.data / "journal" / "agent").read(durable=False)
        return [facts_of(line.record, KeyNews).state for line in lines if line.record.type == "key"]


class WitnessTown(Town):
    """A Town that trusts the authority and remembers its findings."""

    def __init__(self, port: int, folder: Path, key: Path) -> None:
        self.folder = folder
        self.found: list[Finding] = []
        super().__init__(port, folder, command_key=key, on_finding=self._finding, trust=ROOTS)

    def __enter__(self) -> WitnessTown:
        super().__enter__()
        return self

    def _finding(self, node: str, finding: Finding) -> None:
        assert node == NODE
        with self._news:
            self.found.append(finding)
            self._news.notify_all()

    def seen(self) -> list[Seen]:
        return list(read_seen(LinuxDisk(), self.folder / "nodes" / NODE))

    def claims(self) -> list[CheckpointClaims]:
        return [read_checkpoint(each.jws).claims for each in self.seen()]

    def until_vouched(self, journal: str, seq: int) -> None:
        self.until(lambda: any(_vouches(claims, journal, seq) for claims in self.claims()), f"a checkpoint covers {journal} {seq}")

    def command(self) -> str:
        """One command to the node; the state it is answered with."""
        first, last = "2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z"
        handle = self.centre.request_clip(NODE, "cam0", first, last, operator="a.nowak", case="12/26")
        final = handle.wait(30)
        assert final is not None, "the command was not answered"
        return final.state


def _vouches(claims: CheckpointClaims, journal: str, seq: int) -> bool:
    return any(head.journal == journal and head.seq >= seq for head in claims.heads)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Mosquitto(tmp_path / "broker") as broker:
        yield Stage(broker, tmp_path)


def test_checkpoints_arrive_are_kept_first_seen_and_survive_the_centre(stage: Stage) -> None:
    stage.record(3)
    with stage.agent() as agent:
        with stage.town() as town:
            town.until_vouched(CAMERA_JOURNAL, 3)
            town.until_seq(CAMERA_JOURNAL, 3)
            town.until(lambda: "certificates" in str(town.centre.nodes()[0].info), "the node tells its certificate")
            kept = town.seen()
        stage.record(2)
        with stage.town() as town:
            town.until_vouched(CAMERA_JOURNAL, 5)
            town.until_seq(CAMERA_JOURNAL, 5)
            again = town.seen()
            assert town.found == []
        assert again[: len(kept)] == kept
        assert len({each.jws for each in again}) == len(again)
        assert agent.stop() == 0
    audit = audit_node(LinuxDisk(), stage.folder / "town", NODE, ROOTS, "2026-01-01T00:00:00.000Z")
    assert (audit.adds_up, set(audit.signers)) == (True, {"trusted"})
    assert next(each for each in audit.journals if each.name == CAMERA_JOURNAL).compared >= 2
    lines = list(JournalReader(LinuxDisk(), stage.data / "journal" / CAMERA_JOURNAL).read())
    epoch = next(head.epoch for head in town.claims()[-1].heads if head.journal == CAMERA_JOURNAL)
    head = Head(journal=CAMERA_JOURNAL, epoch=epoch, seq=2, sha256=sha256(lines[1].raw).hexdigest())
    found = witness_statement(LinuxDisk(), stage.folder / "town", NODE, head, ROOTS)
    assert found is not None
    assert (found.proven, found.signer) == (True, "trusted")
    assert found.seen in {each.seen for each in kept}


def test_a_node_set_back_to_an_older_copy_of_its_disk_is_caught_with_both_proofs(stage: Stage) -> None:
    with stage.town() as town:
        stage.record(2)
        with stage.agent() as agent:
            town.until_vouched(CAMERA_JOURNAL, 2)
            town.until_seq(CAMERA_JOURNAL, 2)
            agent.stop()
        shutil.copytree(stage.data, stage.folder / "older")
        stage.record(3, "what happened")
        with stage.agent() as agent:
            town.until_vouched(CAMERA_JOURNAL, 5)
            town.until_seq(CAMERA_JOURNAL, 5)
            agent.stop()
        assert town.found == []
        shutil.rmtree(stage.data)
        shutil.copytree(stage.folder / "older", stage.data)
        stage.record(2, "what did not")
        with stage.agent():
            town.until(lambda: len(_forks(town, "set back")) > 0, "the journal is shorter than it was")
            town.until(lambda: len(_forks(town, "line")) > 0, "it is another record than was stored")
            town.until(lambda: len(_forks(town, "records")) > 0, "both records are here")
    two = [read_checkpoint(proof.text).claims for proof in _forks(town, "set back")[0].proof]
    assert _vouches(two[0], CAMERA_JOURNAL, 5)
    assert not _vouches(two[1], CAMERA_JOURNAL, 5)
    lines = [msgspec.json.decode(proof.text)["facts"]["reason"] for proof in _forks(town, "records")[0].proof]
    assert (lines[0][:4], lines[1]) == ("what", "what did not 0")
    assert lines[0] != lines[1]
    assert not audit_node(LinuxDisk(), stage.folder / "town", NODE, ROOTS, "2026-01-01T00:00:00.000Z").adds_up


def _forks(town: WitnessTown, about: str) -> list[Finding]:
    return [each for each in town.found if each.kind == "fork" and each.about == about and each.journal == CAMERA_JOURNAL]


def test_a_node_whose_key_is_missing_obeys_and_says_why_and_signs_when_it_comes(stage: Stage) -> None:
    stage.key.unlink()
    stage.record(1)
    with stage.town() as town, stage.agent():
        town.until_online()
        town.until(lambda: _alarm(town) == (True, "media.key"), "the alarm says which key")
        assert town.command() == "refused"
        assert town.claims() == []
        assert len(stage.key_states()) == 1
        stage.write_key()
        town.until_vouched(CAMERA_JOURNAL, 1)
        town.until(lambda: _alarm(town)[0] is False, "the alarm is over")
    assert stage.key_states()[1:] == ["in_force"]


def _alarm(town: WitnessTown) -> tuple[bool | None, str]:
    """The newest state of the alarm that was stored, and whether its text names the key."""
    alarms = [facts_of(event.record, AlarmRaised) for event in town.events if event.record.type == "alarm"]
    newest = [alarm for alarm in alarms if alarm.code == "seal_key"][-1:]
    return (newest[0].active, "media.key" if "media.key" in newest[0].text else newest[0].text) if newest else (None, "")


@pytest.mark.skipif(bool(softhsm.missing()), reason=softhsm.missing() or "-")
@pytest.mark.parametrize("mood", ["hang", "die"])
def test_a_token_that_hangs_or_dies_holds_up_nothing_and_is_told_of(stage: Stage, monkeypatch: pytest.MonkeyPatch, mood: str) -> None:
    token = SoftHsm(stage.folder / "hsm", monkeypatch.setenv)
    seal = Seal(
        signer="pkcs11",
        certificate="",
        pkcs11_module=token.unruly(),
        pkcs11_token=TOKEN,
        pkcs11_label="seal",
        pin_file=str(token.pin_file),
        deadline_s=1.0,
    )
    create_key(seal)
    signer = open_signer(seal)
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    public = load_der_public_key(signer.public_key)
    signer.close()
    stage.certificate.write_bytes(AUTHORITY.certify(NODE, public))  # type: ignore[arg-type]
    section = (
        f'signer = "pkcs11"\npkcs11_module = "{seal.pkcs11_module}"\npkcs11_token = "{TOKEN}"\npkcs11_label = "seal"\n'
        f'pin_file = "{token.pin_file}"\ndeadline_s = 1.0'
    )
    stage.record(1)
    with stage.town() as town, stage.agent(section) as agent:
        town.until_vouched(CAMERA_JOURNAL, 1)
        token.be(mood)
        stage.record(1)
        town.until(lambda: _alarm(town)[0] is True, "the alarm is raised")
        before_s = monotonic_s()
        assert town.command() == "refused"
        assert monotonic_s() - before_s < 20
        assert not any(_vouches(claims, CAMERA_JOURNAL, 2) for claims in town.claims())
        token.be("well")
        town.until_vouched(CAMERA_JOURNAL, 2)
        town.until(lambda: _alarm(town)[0] is False, "the alarm is over")
        first, *trouble, last = stage.key_states()  # a token that is slow to open again is missing for a moment
        assert first == last == "in_force"
        assert set(trouble) <= {"broken", "missing"}
        assert trouble
        assert agent.stop() == 0
        assert town.found == []
