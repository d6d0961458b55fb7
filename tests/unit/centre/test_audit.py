"""The audit: nothing can be changed in what is stored without being found, and what was not changed adds up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.centre.archive import journal_path
from edge.centre.audit import NodeAudit, audit_node
from edge.centre.findings import KEPT_EACH, findings_path
from edge.centre.first_seen import checkpoints_path
from edge.clock import format_utc
from edge.host.linux_disk import LinuxDisk
from edge.seal.trust import Roots, read_roots
from tests.support.identities import Town
from tests.support.witnessing import CAMERA, ROOTS, PaperTown, SealedNode

MUCH_LATER = "2099-01-01T00:00:00.000Z"
Change = Callable[[list[bytes]], list[bytes]]


class Story:
    """Five minutes of an honest node, stored. `camera` is the file of its camera's journal."""

    def __init__(self, folder: Path) -> None:
        self.town = PaperTown(folder)
        self.node = SealedNode()
        self.town.hear_info(self.node)
        for _ in range(5):
            self.node.record(3)
            self.town.clock.advance(60)
            self.town.hear_checkpoint(self.node, self.node.checkpoint())
            self.town.deliver(self.node)
        self.town.turn()
        self.camera = journal_path(folder, "pole-1", CAMERA, self.node.epoch(CAMERA))
        self.checkpoints = checkpoints_path(folder / "nodes" / "pole-1")

    def lines(self, path: Path | None = None) -> list[bytes]:
        return (path or self.camera).read_bytes().splitlines(keepends=True)

    def rewrite(self, lines: list[bytes], path: Path | None = None) -> None:
        (path or self.camera).write_bytes(b"".join(lines))

    def audit(self, roots: Roots | None = ROOTS, at: str = "") -> NodeAudit:
        return audit_node(LinuxDisk(), self.town.folder, "pole-1", roots, at or format_utc(self.town.clock.read().utc_ns))


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def kinds(audit: NodeAudit) -> set[tuple[str, str]]:
    return {(finding.kind, finding.journal) for finding in audit.findings}


def test_what_was_not_changed_adds_up(story: Story) -> None:
    audit = story.audit()
    assert audit.adds_up
    assert audit.findings == []
    assert (audit.checkpoints, audit.signers) == (5, {"trusted": 5})
    camera = next(each for each in audit.journals if each.name == CAMERA)
    assert (camera.upto, camera.stored, camera.vouched, camera.compared, camera.missing) == (15, 15, 15, 5, 0)
    assert camera.seen == audit.last_seen
    assert story.audit(None).signers == {"not verified": 5}


def drop(lines: list[bytes]) -> list[bytes]:
    return lines[:6] + lines[7:]


def edit(lines: list[bytes]) -> list[bytes]:
    return [*lines[:6], lines[6].replace(b"footage", b"fiction"), *lines[7:]]


def swap(lines: list[bytes]) -> list[bytes]:
    return [*lines[:6], lines[7], lines[6], *lines[8:]]


def double(lines: list[bytes]) -> list[bytes]:
    return [*lines[:6], lines[6], *lines[6:]]


def spoil(lines: list[bytes]) -> list[bytes]:
    return [*lines[:6], b"{" + lines[6], *lines[7:]]


@pytest.mark.parametrize("change", [drop, edit, swap, double, spoil])
def test_a_line_removed_edited_swapped_doubled_or_spoilt_in_the_archive_is_found(story: Story, change: Change) -> None:
    story.rewrite(change(story.lines()))
    audit = story.audit()
    assert not audit.adds_up
    assert ("chain", CAMERA) in kinds(audit)


def test_an_archive_whose_chain_was_made_anew_is_not_what_was_signed(story: Story) -> None:
    """Whoever can rewrite every line behind the changed one still has no key."""
    forger = SealedNode(boot="boot-1")
    forger.record(3)
    for number in range(4):
        forger.record(3, "fiction" if number == 1 else "footage")
    made = [line.raw + b"\n" for line in forger.lines(CAMERA)]
    assert len(made) == len(story.lines())
    story.rewrite(made)
    audit = story.audit()
    assert ("fork", CAMERA) in kinds(audit)
    assert not [finding for finding in audit.findings if finding.kind == "chain"]


@pytest.mark.parametrize("kept", [10, 0, None])
def test_a_tail_that_was_cut_off_is_a_hole_once_it_is_too_late_to_be_on_its_way(story: Story, kept: int | None) -> None:
    if kept is None:
        story.camera.unlink()
    else:
        story.rewrite(story.lines()[:kept])
    early, late = story.audit(), story.audit(at=MUCH_LATER)
    for audit in (early, late):
        camera = next(each for each in audit.journals if each.name == CAMERA)
        assert (camera.upto, camera.vouched) == (kept or 0, 15)
    assert (early.adds_up, late.adds_up) == (True, False)
    assert [(finding.kind, finding.journal, finding.seq) for finding in late.findings] == [("hole", CAMERA, (kept or 0) + 1)]


def test_a_hole_that_was_filled_is_none(story: Story) -> None:
    story.node.record(2)
    story.town.clock.advance(60)
    story.town.hear_checkpoint(story.node, story.node.checkpoint())
    for _ in range(20):
        story.town.clock.advance(60)
        story.town.hear_health("pole-1")
        story.town.turn()
    assert not story.audit().adds_up
    story.town.deliver(story.node)
    assert story.audit().adds_up
    story.town.clock.advance(60)
    story.town.turn()
    assert [finding.closed for finding in story.audit().findings] == [True]
    story.rewrite(story.lines()[:15])
    assert not story.audit(at=MUCH_LATER).adds_up


def test_a_checkpoint_edited_in_the_archive_is_found(story: Story) -> None:
    lines = story.lines(story.checkpoints)
    at = lines[2].index(b'"jws":"') + 200
    lines[2] = lines[2][:at] + (b"A" if lines[2][at : at + 1] != b"A" else b"B") + lines[2][at + 1 :]
    story.rewrite(lines, story.checkpoints)
    audit = story.audit()
    assert not audit.adds_up
    assert {finding.kind for finding in audit.findings} == {"signature"}


def test_other_authorities_do_not_trust_the_signer(story: Story) -> None:
    audit = story.audit(read_roots(Town("Another town").root))
    assert {finding.kind for finding in audit.findings} == {"signature"}
    assert audit.signers == {"untrusted": 5}


def test_what_the_witness_found_is_shown_and_not_twice(story: Story) -> None:
    copy = story.node.older_copy()
    story.node.record(2, "true")
    story.town.deliver(story.node)
    copy.record(2, "false")
    story.town.deliver(copy, CAMERA)
    audit = story.audit()
    assert [(finding.kind, finding.seq) for finding in audit.findings] == [("fork", 16), ("fork", 17)]
    assert audit.findings == story.town.found
    findings_path(story.town.folder / "nodes" / "pole-1").unlink()
    again = story.audit()
    assert [(finding.kind, finding.seq) for finding in again.findings] == [("fork", 16), ("fork", 17)], "from the archive's own notes"


def test_of_very_many_findings_some_are_shown_and_all_are_counted(story: Story) -> None:
    story.node.record(100)
    story.town.deliver(story.node)
    story.rewrite([line.replace(b"footage", b"fiction") for line in story.lines()])
    audit = story.audit()
    chains = [finding for finding in audit.findings if finding.kind == "chain"]
    assert len(chains) == KEPT_EACH
    assert len(chains) + audit.more == 114


def test_a_gap_that_was_noted_is_counted_and_bridges_the_chain(story: Story) -> None:
    story.node.record(5)
    story.town.offer_gap(story.node, 16, 18)
    story.node.sent[CAMERA] = 18
    story.town.deliver(story.node)
    audit = story.audit()
    camera = next(each for each in audit.journals if each.name == CAMERA)
    assert (audit.adds_up, camera.missing, camera.upto) == (True, 3, 20)
    story.town.hear_checkpoint(story.node, story.node.checkpoint())
    story.town.turn()
    assert [(finding.kind, finding.seq) for finding in story.audit().findings] == [("hole", 16)]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_byte_changed_in_a_stored_journal_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    story = _STORIES["one"] if "one" in _STORIES else _STORIES.setdefault("one", Story(tmp_path_factory.mktemp("story")))
    whole = story.camera.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != whole[at]))
    try:
        story.camera.write_bytes(whole[:at] + bytes((byte,)) + whole[at + 1 :])
        assert not story.audit().adds_up
    finally:
        story.camera.write_bytes(whole)
    assert story.audit().adds_up


_STORIES: dict[str, Story] = {}
