"""What the witness finds as it comes, each with its proof - and that an honest node is never accused."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.centre.findings import GRAVE, KEPT_EACH, Finding, FindingBook, findings_path, read_findings
from edge.centre.first_seen import read_seen
from edge.centre.node_witness import Patience
from edge.clock import format_utc
from edge.host.linux_disk import LinuxDisk
from edge.host.model_disk import Fault, ModelDisk
from edge.link.topics import CHECKPOINT
from edge.messages.evidence import Checkpoint
from edge.seal.checkpoint import read_checkpoint
from tests.support.identities import Town, identity_of
from tests.support.witnessing import CAMERA, TOWN, PaperTown, SealedNode


@pytest.fixture
def town(tmp_path: Path) -> PaperTown:
    return PaperTown(tmp_path)


def honest(town: PaperTown, rounds: int = 3, node: SealedNode | None = None) -> SealedNode:
    """Footage, a checkpoint on the topic, then the records: as a node does it each minute."""
    node = node or SealedNode()
    town.hear_info(node)
    for _ in range(rounds):
        node.record(2)
        town.clock.advance(60)
        town.hear_checkpoint(node, node.checkpoint())
        town.deliver(node)
    return node


def stored(town: PaperTown, node: str = "pole-1") -> list[tuple[str, str]]:
    town.turn()
    return [(seen.via, seen.signer) for seen in read_seen(LinuxDisk(), town.folder / "nodes" / node)]


def proofs(finding: Finding) -> list[str]:
    return [proof.what for proof in finding.proof]


def test_an_honest_node_is_stored_first_seen_and_accused_of_nothing(town: PaperTown) -> None:
    honest(town)
    assert town.found == []
    assert stored(town) == [("topic", "trusted")] * 3
    seen = list(read_seen(LinuxDisk(), town.folder / "nodes" / "pole-1"))
    first_ns = town.clock.read().utc_ns - 120 * 10**9
    assert [each.seen for each in seen] == [format_utc(first_ns + minute * 60 * 10**9) for minute in range(3)]
    assert [read_checkpoint(each.jws).claims.node for each in seen] == ["pole-1"] * 3


def test_what_came_by_the_topic_is_not_stored_again_when_its_record_comes_and_the_other_way_round(town: PaperTown) -> None:
    node = SealedNode()
    town.hear_info(node)
    node.record()
    first, second = node.checkpoint(), node.checkpoint()
    town.hear_checkpoint(node, second)
    town.deliver(node)
    town.hear_checkpoint(node, second, retain=True)
    town.hear_checkpoint(node, first)
    town.restart()
    town.hear_checkpoint(node, second, retain=True)
    assert stored(town) == [("topic", "trusted"), ("agent", "trusted")]
    assert town.found == []


def test_a_node_that_was_away_for_a_day_is_no_liar(town: PaperTown) -> None:
    """The newest checkpoint comes at once, the records and the older checkpoints follow in order."""
    node = honest(town)
    for _ in range(200):
        node.record()
        last = node.checkpoint()
    town.hear_checkpoint(node, last, retain=True)
    for _ in range(3):
        town.deliver(node, "agent")
        town.deliver(node, CAMERA)
    node.start("boot-2")
    node.record()
    town.hear_checkpoint(node, node.checkpoint())
    town.deliver(node)
    assert [finding.kind for finding in town.found if finding.kind in GRAVE] == []
    assert len(stored(town)) == 3 + 200 + 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["record", "checkpoint", "agent", "camera", "restart", "boot", "again", "late"]), max_size=40))
def test_in_whatever_order_things_happen_an_honest_node_is_not_accused(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    town = PaperTown(tmp_path_factory.mktemp("town"))
    node = SealedNode()
    made: list[Checkpoint] = []
    for number, step in enumerate(steps):
        if step == "record":
            node.record(2)
        elif step == "checkpoint":
            node.record()
            made.append(node.checkpoint(1.0))
            town.hear_checkpoint(node, made[-1])
        elif step == "late" and made:
            town.hear_checkpoint(node, made[-1], retain=True)
        elif step in ("agent", "camera"):
            town.deliver(node, "agent" if step == "agent" else CAMERA)
        elif step == "restart":
            town.restart()
        elif step == "boot":
            node.start(f"boot after {number}")
        elif step == "again":
            for line in node.lines("agent")[: node.sent.get("agent", 0)]:
                assert town.offer(node, "agent", line.raw) == "duplicate"
    town.turn()
    town.archive.close()
    assert [finding.text for finding in town.found if finding.kind in GRAVE] == []


def test_an_older_copy_of_the_disk_is_a_fork_by_its_first_checkpoint(town: PaperTown) -> None:
    node = honest(town, 2)
    copy = node.older_copy()
    honest(town, 2, node)
    copy.start("boot-2")
    copy.record(1)
    town.hear_checkpoint(copy, copy.checkpoint())
    kinds = {(finding.kind, finding.journal, finding.about) for finding in town.found}
    assert {("fork", "agent", "set back"), ("fork", CAMERA, "set back"), ("fork", CAMERA, "line")} <= kinds
    by_checkpoints = next(finding for finding in town.found if finding.about == "set back" and finding.journal == CAMERA)
    two = [read_checkpoint(proof.text).claims for proof in by_checkpoints.proof]
    assert [[head.seq for head in claims.heads if head.journal == CAMERA] for claims in two] == [[8], [5]]
    by_line = next(finding for finding in town.found if finding.about == "line")
    assert proofs(by_line) == ["checkpoint", "line"]
    assert by_line.proof[1].text == node.lines(CAMERA)[4].raw.decode()


def test_two_records_of_one_number_are_kept_both(town: PaperTown) -> None:
    node = honest(town, 2)
    copy = node.older_copy()
    node.record(1, "true")
    town.deliver(node)
    copy.record(1, "false")
    town.deliver(copy)
    (finding,) = town.found
    assert (finding.kind, finding.journal, finding.seq, finding.about) == ("fork", CAMERA, 5, "records")
    assert [proof.text for proof in finding.proof] == [each.lines(CAMERA)[4].raw.decode() for each in (node, copy)]


def test_a_second_record_is_found_out_however_long_ago_the_first_came(town: PaperTown) -> None:
    node = SealedNode()
    node.record(1)
    copy = node.older_copy()
    copy.record(1, "false")
    node.record(1500)
    town.deliver(node)
    town.restart()
    assert town.offer(node, CAMERA, node.lines(CAMERA)[1].raw) == "duplicate"
    assert town.offer(copy, CAMERA, copy.lines(CAMERA)[1].raw) == "conflict"


def changed(raw: bytes) -> bytes:
    return raw.replace(b"footage", b"fiction")


def test_a_line_that_was_changed_before_it_was_sent_is_not_what_was_vouched_for(town: PaperTown) -> None:
    node = SealedNode()
    town.hear_info(node)
    node.record(3)
    town.hear_checkpoint(node, node.checkpoint())
    lines = node.lines(CAMERA)
    verdicts = [town.offer(node, CAMERA, raw) for raw in (lines[0].raw, lines[1].raw, changed(lines[2].raw))]
    assert verdicts == ["stored"] * 3
    (finding,) = town.found
    assert (finding.kind, finding.seq, proofs(finding)) == ("fork", 3, ["checkpoint", "line"])


@pytest.mark.parametrize("order", [(0, 1, 3, 2), (0, 2, 1, 3), (0, 1, 3), (0, 2, 3)])
def test_records_out_of_order_or_taken_out_are_not_stored(town: PaperTown, order: tuple[int, ...]) -> None:
    """Numbers alone tell: a later record waits for the one before it, which the watermark asks for again."""
    node = SealedNode()
    node.record(4)
    lines = node.lines(CAMERA)
    verdicts = [town.offer(node, CAMERA, lines[place].raw) for place in order]
    assert "ahead" in verdicts


@pytest.mark.parametrize("renumbered", [False, True])
def test_a_record_that_was_taken_out_and_closed_up_breaks_the_chain(town: PaperTown, renumbered: bool) -> None:
    node = SealedNode()
    town.hear_info(node)
    node.record(4)
    town.hear_checkpoint(node, node.checkpoint())
    first, second, third, fourth = (line.raw for line in node.lines(CAMERA))
    if renumbered:
        third, fourth = third.replace(b'"seq":3', b'"seq":2'), fourth.replace(b'"seq":4', b'"seq":3')
        sent = [first, third, fourth]
    else:
        sent = [first, changed(second), third, fourth]
    for raw in sent:
        town.offer(node, CAMERA, raw)
    kinds = [(finding.kind, finding.seq) for finding in town.found]
    assert kinds[0] == ("chain", 2 if renumbered else 3)
    assert proofs(town.found[0]) == ["line", "line"]


def test_a_gap_in_what_was_vouched_for_is_a_hole_and_before_that_it_is_none(town: PaperTown) -> None:
    node = SealedNode()
    town.hear_info(node)
    node.record(2)
    town.hear_checkpoint(node, node.checkpoint())
    node.record(6)
    town.deliver(node, "agent")
    town.offer_gap(node, 1, 2)
    (finding,) = town.found
    assert (finding.kind, finding.seq, finding.about, proofs(finding)) == ("hole", 1, "gap", ["checkpoint", "gap"])
    town.offer_gap(node, 3, 4)
    assert len(town.found) == 1, "nobody has vouched for those"
    town.hear_checkpoint(node, node.checkpoint())
    assert [(each.kind, each.seq) for each in town.found] == [("hole", 1), ("hole", 3)]


def test_records_that_were_vouched_for_and_do_not_come_are_a_hole_until_they_do(tmp_path: Path) -> None:
    town = PaperTown(tmp_path, patience=Patience(hole_s=300))
    node = SealedNode()
    town.hear_info(node)
    node.record(3)
    for _ in range(10):
        town.clock.advance(60)
        node.clock.advance(60)
        node.record(1, journal="agent")
        town.hear_checkpoint(node, node.checkpoint(0))
        town.deliver(node, "agent")
    assert town.kinds() == ["hole"]
    assert (town.found[0].journal, town.found[0].seq) == (CAMERA, 1)
    town.restart()
    town.clock.advance(10)
    town.deliver(node)
    town.clock.advance(10)
    town.turn()
    assert town.kinds() == ["hole", "over: hole"]


def test_a_journal_that_moves_has_no_hole_however_far_it_is_behind(tmp_path: Path) -> None:
    town = PaperTown(tmp_path, patience=Patience(hole_s=300))
    node = SealedNode()
    town.hear_info(node)
    node.record(500)
    town.hear_checkpoint(node, node.checkpoint(0))
    for line in node.lines(CAMERA)[:40]:
        town.clock.advance(60)
        town.hear_health(node.name)
        town.offer(node, CAMERA, line.raw)
        town.turn()
    assert "hole" not in town.kinds()


def test_one_key_from_two_boots_in_turn_is_a_cloned_node(town: PaperTown) -> None:
    node, other = SealedNode(boot="boot-a"), SealedNode(boot="boot-b")
    clone = SealedNode(boot="boot-b", identity=node.identity, disk=other.disk)
    town.hear_info(node)
    for each in (node, clone, node):
        each.record()
        town.hear_checkpoint(each, each.checkpoint())
    clones = [finding for finding in town.found if finding.kind == "clone"]
    assert [finding.about for finding in clones] == ["boot boot-a"]
    assert [read_checkpoint(proof.text).claims.boot for proof in clones[0].proof] == ["boot-a", "boot-b", "boot-a"]


def test_two_keys_in_turn_are_a_clone_and_one_change_is_told(town: PaperTown) -> None:
    node = SealedNode()
    renewed = identity_of(TOWN, "pole-1")
    old = node.identity
    town.hear_info(node)
    for identity in (old, renewed, old):
        node.identity = identity
        town.hear_info(node)
        node.record()
        town.hear_checkpoint(node, node.checkpoint())
    assert town.kinds() == ["key", "clone"]
    assert old.fingerprint[:16] in town.found[1].text


def test_a_monotonic_clock_that_runs_back_within_a_boot_is_a_clone(town: PaperTown) -> None:
    node = honest(town)
    node.clock = type(node.clock)(node.clock.read().utc_ns, 5 * 10**9)
    node.record()
    town.hear_checkpoint(node, node.checkpoint())
    assert [(finding.kind, finding.about) for finding in town.found] == [("clone", "clock of boot-1")]


def test_two_processes_online_in_turn_are_a_clone_and_restarts_are_not(town: PaperTown) -> None:
    for session, nonce in enumerate(("a", "b", "c", "c"), 1):
        town.hear_status("pole-1", "boot", nonce=nonce, session=session)
    town.hear_status("pole-1", "will", nonce="b", session=2)
    town.hear_status("pole-1", "boot", nonce="b", session=2, retain=True)
    town.hear_status("pole-1", "boot", nonce="b", session=2)
    assert town.found == [], "an old message that comes again is no second device"
    town.hear_status("pole-1", "reconnect", nonce="a", session=9)
    assert town.kinds() == ["clone"]
    assert proofs(town.found[0]) == ["status"] * 3


def test_a_forged_checkpoint_vouches_for_nothing_and_is_kept(town: PaperTown) -> None:
    node = honest(town, 1)
    node.record(5)
    forged = SealedNode(identity=identity_of(Town("Another town"), "pole-1"), disk=node.disk.power_cut(0))
    town.hear_checkpoint(forged, forged.checkpoint())
    assert town.kinds() == ["key"], "whose it is cannot be told yet"
    town.found.clear()
    town.hear_info(forged)
    town.hear_checkpoint(forged, forged.checkpoint())
    genuine = node.checkpoint()
    head, _, tail = genuine.jws.rpartition(".")
    town.hear_checkpoint(node, msgspec.structs.replace(genuine, jws=f"{head}.{'A' if tail[0] != 'A' else 'B'}{tail[1:]}"))
    other = SealedNode("pole-2", identity=identity_of(TOWN, "pole-2"))
    other.record()
    town.hear(node.name, CHECKPOINT, msgspec.json.encode(other.checkpoint()))
    town.hear(node.name, CHECKPOINT, msgspec.json.encode(Checkpoint(jws="no.jws.", fingerprint="")))
    words = ["untrusted", "bad signature", "it is signed for pole-2", "does not read"]
    assert [finding.kind for finding in town.found] == ["signature"] * 4
    assert all(word in finding.text for word, finding in zip(words, town.found, strict=True))
    assert [signer for _, signer in stored(town)] == ["trusted", "certificate unknown", "untrusted", "bad signature"]


def test_without_authorities_to_trust_it_is_said_that_the_signer_is_not_verified(tmp_path: Path) -> None:
    town = PaperTown(tmp_path, trust=False)
    honest(town, 1)
    assert stored(town) == [("topic", "not verified")]


def test_a_node_that_goes_silent_is_told_and_told_again_when_it_is_back(town: PaperTown) -> None:
    node = honest(town)
    for _ in range(3):
        town.clock.advance(60)
        town.turn()
    assert town.found == []
    town.clock.advance(5)
    town.turn()
    assert town.kinds() == ["silent"]
    town.restart()
    town.hear_health(node.name)
    town.clock.advance(5)
    town.turn()
    assert town.kinds() == ["silent", "over: silent"]
    town.hear_status(node.name, "shutdown")
    town.clock.advance(1e5)
    town.turn()
    assert town.kinds() == ["silent", "over: silent"]


def test_a_node_whose_broker_speaks_for_it_is_silent_all_the_same(town: PaperTown) -> None:
    node = honest(town)
    for _ in range(4):
        town.clock.advance(60)
        town.hear_status(node.name, "will", nonce=f"{town.clock.boot_ns()}")
        town.turn()
    assert town.kinds() == ["silent"]


def test_a_node_that_is_online_and_signs_no_more_is_told(town: PaperTown) -> None:
    node = honest(town)
    for _ in range(5):
        town.clock.advance(60)
        town.hear_health(node.name)
        node.record()
        town.deliver(node)
    assert town.kinds() == ["unsigned"]
    town.hear_checkpoint(node, node.checkpoint())
    town.clock.advance(5)
    town.turn()
    assert town.kinds() == ["unsigned", "over: unsigned"]


def test_an_idle_node_need_not_sign(town: PaperTown) -> None:
    node = honest(town)
    for _ in range(10):
        town.clock.advance(60)
        town.hear_health(node.name)
        town.turn()
    assert town.found == []


@pytest.mark.parametrize(("off_s", "words"), [(-30.0, "30.0 s behind"), (45.0, "45.0 s ahead")])
def test_a_clock_that_is_off_is_told_and_one_that_the_node_itself_distrusts_is_not(town: PaperTown, off_s: float, words: str) -> None:
    node = SealedNode()
    town.hear_info(node)
    node.clock.step_utc(off_s)
    node.clock.set_state("untrusted")
    for state in ("untrusted", "trusted"):
        node.clock.set_state(state)
        for _ in range(3):
            node.record()
            town.clock.advance(60)
            town.hear_checkpoint(node, node.checkpoint())
            town.deliver(node)
        assert town.kinds() == ([] if state == "untrusted" else ["clock"])
    assert words in town.found[0].text
    node.clock.step_utc(-off_s)
    honest(town, 3, node)
    assert town.kinds() == ["clock", "over: clock"]


def test_findings_are_kept_for_good_and_told_once(town: PaperTown) -> None:
    node = honest(town, 2)
    copy = node.older_copy()
    node.record(60)
    town.deliver(node)
    copy.record(60, "false")
    for _ in range(2):
        copy.sent = dict.fromkeys(copy.sent, 4)
        town.deliver(copy, CAMERA)
        town.restart()
    kept = read_findings(LinuxDisk(), findings_path(town.folder / "nodes" / "pole-1"), 1 << 24)
    assert kept == town.found
    assert len(kept) == KEPT_EACH
    book = FindingBook(LinuxDisk(), town.folder / "nodes" / "pole-1")
    assert not book.report(kept[0])
    assert len(book.open("fork")) == KEPT_EACH


def test_a_disk_that_refuses_loses_no_finding(tmp_path: Path) -> None:
    disk = ModelDisk()
    town = PaperTown(tmp_path, disk)
    node = honest(town, 2)
    node.clock = type(node.clock)(node.clock.read().utc_ns, 5 * 10**9)
    node.record()
    disk.fault = Fault(disk.operations + 1, "ENOSPC", forever=True)
    town.hear_checkpoint(node, node.checkpoint())
    town.turn()
    disk.fault = None
    town.clock.advance(5)
    town.turn()
    after = disk.power_cut(0)
    folder = tmp_path / "nodes" / "pole-1"
    assert [finding.kind for finding in read_findings(after, findings_path(folder), 1 << 20)] == ["clone"]
    assert len(list(read_seen(after, folder))) == 3
