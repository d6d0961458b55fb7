"""Since when a record has had a witness."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from edge.centre.archive import journal_path
from edge.centre.statement import Witnessed, witness_statement
from edge.clock import format_utc
from edge.host.linux_disk import LinuxDisk
from edge.messages.evidence import Head
from edge.seal.trust import read_roots
from tests.support.identities import Town
from tests.support.witnessing import CAMERA, ROOTS, PaperTown, SealedNode


@pytest.fixture
def town(tmp_path: Path) -> PaperTown:
    return PaperTown(tmp_path)


def head_of(node: SealedNode, seq: int, journal: str = CAMERA) -> Head:
    raw = node.lines(journal)[seq - 1].raw
    return Head(journal=journal, epoch=node.epoch(journal), seq=seq, sha256=sha256(raw).hexdigest())


def ask(town: PaperTown, head: Head) -> Witnessed | None:
    town.turn()
    return witness_statement(LinuxDisk(), town.folder, "pole-1", head, ROOTS)


def test_a_record_was_first_witnessed_when_the_first_checkpoint_that_covers_it_came(town: PaperTown) -> None:
    node = SealedNode()
    town.hear_info(node)
    moments = []
    for _ in range(3):
        node.record(3)
        town.clock.advance(60)
        moments.append(format_utc(town.clock.read().utc_ns))
        town.hear_checkpoint(node, node.checkpoint())
        town.deliver(node)
    for seq in range(1, 10):
        found = ask(town, head_of(node, seq))
        assert found is not None
        moment = moments[(seq - 1) // 3]
        assert (found.seen, found.covering.seq, found.signer, found.proven) == (moment, (seq + 2) // 3 * 3, "trusted", True)


def test_what_nobody_vouched_for_has_no_witness(town: PaperTown) -> None:
    node = SealedNode()
    node.record(2)
    town.deliver(node)
    assert ask(town, head_of(node, 1)) is None
    town.hear_info(node)
    town.hear_checkpoint(node, node.checkpoint())
    node.record(1)
    town.deliver(node)
    assert ask(town, head_of(node, 2)) is not None
    assert ask(town, head_of(node, 3)) is None


def test_another_record_of_that_number_or_another_chain_behind_it_is_not_proven(town: PaperTown) -> None:
    node = SealedNode()
    town.hear_info(node)
    node.record(4)
    head = head_of(node, 2)
    town.hear_checkpoint(node, node.checkpoint())
    assert_doubt(ask(town, head), "not stored here")
    town.deliver(node)
    found = ask(town, head)
    assert found is not None
    assert found.proven
    assert_doubt(ask(town, Head(journal=CAMERA, epoch=head.epoch, seq=2, sha256="0" * 64)), "is another one")
    path = journal_path(town.folder, "pole-1", CAMERA, head.epoch)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"footage 2", b"fiction 2"))
    assert_doubt(ask(town, head), "does not continue record 3")
    path.write_bytes(whole.replace(b"footage 3", b"fiction 3"))
    assert_doubt(ask(town, head), "vouches for another record 4")
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:3]))
    assert_doubt(ask(town, head), "not stored here yet")


def assert_doubt(found: Witnessed | None, why: str) -> None:
    assert found is not None
    assert not found.proven
    assert why in found.why


def test_a_checkpoint_of_an_authority_that_is_not_trusted_is_no_witness(town: PaperTown) -> None:
    node = SealedNode()
    town.hear_info(node)
    node.record(1)
    town.hear_checkpoint(node, node.checkpoint())
    town.deliver(node)
    others = read_roots(Town("Another town").root)
    assert witness_statement(LinuxDisk(), town.folder, "pole-1", head_of(node, 1), others) is None
    found = witness_statement(LinuxDisk(), town.folder, "pole-1", head_of(node, 1))
    assert found is not None
    assert found.signer == "not verified"
