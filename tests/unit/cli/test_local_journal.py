"""What the local tool writes without any other process: a checkpoint for a clip."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.cli.local_journal import local_checkpoint
from edge.config.read import load_config
from edge.errors import TryAgain
from edge.host.linux_disk import LinuxDisk
from edge.journal.reader import JournalReader
from edge.messages.evidence import Checkpoint
from edge.messages.records import facts_of
from edge.seal.checkpoint import read_checkpoint
from edge.seal.jws import verify
from edge.seal.signer import Identity
from tests.support.identities import Town, identity_of
from tests.support.ondisk import make_node
from tests.support.signers import FailingSigner


def test_a_checkpoint_for_a_clip_vouches_for_every_journal_and_is_recorded(tmp_path: Path) -> None:
    node = make_node(tmp_path)
    identity = identity_of(Town(), "pole-1")
    config = load_config(node.config).config
    tokens = [local_checkpoint(config, identity, f"clip-{number}") for number in (1, 2)]
    first, second = (read_checkpoint(token) for token in tokens)
    assert {head.journal: head.seq for head in first.claims.heads} == {"recorder.cam0": 5, "watcher": 1}
    assert {head.journal: head.seq for head in second.claims.heads} == {"local": 1, "recorder.cam0": 5, "watcher": 1}
    assert (first.claims.node, first.claims.clip, second.claims.clip) == ("pole-1", "clip-1", "clip-2")
    assert verify(first.jws, identity.certificates)
    lines = list(JournalReader(LinuxDisk(), node.data / "journal" / "local").read())
    assert [facts_of(line.record, Checkpoint).jws for line in lines] == tokens


def test_without_a_signature_nothing_is_recorded(tmp_path: Path) -> None:
    node = make_node(tmp_path)
    identity = identity_of(Town(), "pole-1")
    signer = FailingSigner(identity)
    signer.failures = 1
    with pytest.raises(TryAgain, match="chip"):
        local_checkpoint(load_config(node.config).config, Identity(signer, identity.certificates, identity.fingerprint), "clip-1")
    assert list(JournalReader(LinuxDisk(), node.data / "journal" / "local").read()) == []
