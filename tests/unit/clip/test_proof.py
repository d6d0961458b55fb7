"""Journal lines that go with a clip."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.clip.proof import Proven, Wanted, prove
from edge.errors import TryAgain
from edge.host.linux_disk import LinuxDisk
from edge.journal.line import chain_hash, parse_line
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import Stop
from edge.seal.checkpoint import read_checkpoint
from edge.seal.jws import verify
from tests.support.footage import BOOT
from tests.support.ondisk import START_NS
from tests.support.packages import Node


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node.make(tmp_path)


def reader(node: Node, name: str) -> JournalReader:
    return JournalReader(LinuxDisk(), node.disk.data / "journal" / name)


def more_records(node: Node, count: int) -> None:
    journal = JournalWriter(LinuxDisk(), node.disk.data / "journal" / "recorder.cam0", node.clock, BOOT)
    journal.open()
    for _ in range(count):
        journal.append(Stop(reason="test"))
    journal.close()


def proven(node: Node, segments: set[int], start_s: float = 0.0, end_s: float = 11.0, *, asked: bool = False) -> Proven:
    def checkpoint(clip: str) -> str:
        if not asked:
            raise TryAgain("nobody signs")
        return node.checkpoint(clip)

    wanted = Wanted("c-1", frozenset(segments), START_NS + round(start_s * 1e9), START_NS + round(end_s * 1e9))
    return prove(wanted, reader(node, "recorder.cam0"), reader(node, "agent"), checkpoint)


def types(found: Proven) -> list[str]:
    (proof,) = found.proofs
    lines = [parse_line(line.encode()) for line in proof.lines]
    return [line.record.type for line in lines if line is not None]


def test_the_lines_lead_from_the_footages_first_record_to_the_signed_head_without_a_hole(node: Node) -> None:
    node.checkpoint()
    more_records(node, 3)
    node.checkpoint()
    found = proven(node, {2, 3}, 2, 9)
    (proof,) = found.proofs
    assert types(found) == ["segment", "gap", "segment", "segment"], "to the head that the first checkpoint signs"
    assert [each.seq for each in found.segments] == [2, 3]
    raw = [line.encode() for line in proof.lines]
    lines = [parse_line(line) for line in raw]
    assert [line.record.prev for line in lines[1:] if line is not None] == [chain_hash(line) for line in raw[:-1]]
    checkpoint = read_checkpoint(proof.checkpoint)
    assert verify(checkpoint.jws, node.identity.certificates)
    head = next(head for head in checkpoint.claims.heads if head.journal == proof.journal)
    assert (head.epoch, head.sha256) == (proof.epoch, chain_hash(raw[-1]))
    assert found.note == ""


def test_the_first_checkpoint_at_or_after_the_footage_is_taken_not_the_newest(node: Node) -> None:
    tokens = [node.checkpoint()]
    more_records(node, 2)
    tokens.append(node.checkpoint())
    (proof,) = proven(node, {1, 4}).proofs
    assert proof.checkpoint == tokens[0]


def test_where_no_checkpoint_covers_the_footage_a_new_one_is_asked_for(node: Node) -> None:
    found = proven(node, {1, 2}, asked=True)
    (proof,) = found.proofs
    assert read_checkpoint(proof.checkpoint).claims.clip == "c-1"
    assert types(found)[-1] == "segment"


def test_a_gap_at_the_asked_begin_is_spoken_of_too(node: Node) -> None:
    node.checkpoint()
    assert types(proven(node, {3}, 5, 9))[:2] == ["gap", "segment"]


def test_without_any_checkpoint_the_note_says_so(node: Node) -> None:
    found = proven(node, {1, 2})
    assert (found.proofs, found.note, [each.seq for each in found.segments]) == ([], "no_checkpoint", [1, 2])


def test_footage_that_is_not_sealed_yet_is_noted_and_the_rest_is_proved(node: Node) -> None:
    node.checkpoint()
    found = proven(node, {4, 5}, 9)
    assert (found.note, [each.seq for each in found.segments]) == ("not_sealed", [4])
    assert types(found) == ["segment"]


def test_only_footage_that_is_not_sealed_yet_has_no_lines(node: Node) -> None:
    node.checkpoint()
    found = proven(node, {5}, 12, 13)
    assert (found.proofs, found.note) == ([], "not_sealed")


def test_a_journal_that_was_begun_anew_is_noted(node: Node) -> None:
    for path in (node.disk.data / "journal" / "recorder.cam0").glob("*"):
        path.unlink()
    more_records(node, 1)
    node.checkpoint()
    assert proven(node, {1, 2}).note in ("not_in_journal", "not_sealed")
    assert proven(node, {1, 2}).proofs == []


def journal_file(node: Node) -> Path:
    (path,) = (node.disk.data / "journal" / "recorder.cam0").glob("*.jsonl")
    return path


@pytest.mark.parametrize("line", [1, 2, 3])
def test_a_hole_in_the_journal_is_never_papered_over(node: Node, line: int) -> None:
    node.checkpoint()
    lines = journal_file(node).read_bytes().splitlines(keepends=True)
    journal_file(node).write_bytes(b"".join(each for number, each in enumerate(lines) if number != line))
    found = proven(node, {1, 4})
    assert (found.proofs, found.note) == ([], "unreadable")


def test_an_edited_line_goes_with_no_clip(node: Node) -> None:
    node.checkpoint()
    path = journal_file(node)
    first, second, rest = path.read_bytes().split(b"\n", 2)
    path.write_bytes(b"\n".join((first, second.replace(b'"frames":50', b'"frames":49'), rest)))
    found = proven(node, {1, 2, 3, 4})
    assert (found.proofs, found.note) == ([], "unreadable")


def test_too_many_lines_up_to_the_next_checkpoint_are_left_out_and_noted(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.clip.proof.PROOF_MAX_BYTES", 4000)
    more_records(node, 20)
    node.checkpoint()
    found = proven(node, {1, 2})
    assert (found.proofs, found.note, len(found.segments)) == ([], "too_large", 2)


def test_a_damaged_checkpoint_record_is_passed_over(node: Node) -> None:
    good = node.checkpoint()
    (path,) = (node.disk.data / "journal" / "agent").glob("*.jsonl")
    raw = path.read_bytes()
    path.write_bytes(raw.replace(msgspec.json.encode(good)[1:-1], b"no.jws.here"))
    assert proven(node, {1, 2}).note == "no_checkpoint"
