"""`edge clip --package`: a folder that is there, complete, or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec
import pytest

from edge.messages.package import STATEMENT_TYPE, Statement
from edge.seal.checkpoint import read_checkpoint
from edge.seal.jws import read_detached, verify
from tests.support.command import Outcome, edge
from tests.support.identities import Town, pem_of_key
from tests.support.ondisk import OnDisk, at, make_node

WHO = ("--operator", "a.nowak", "--case", "RSOW 7/26", "--basis", "art. 11", "--recipient", "KRP I")
SEAL = '[seal]\ncertificate = "{0}/media.pem"\nkey = "{0}/media.key"\n'


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def node(tmp_path: Path, town: Town) -> OnDisk:
    """With a key."""
    (tmp_path / "media.pem").write_bytes(town.certify("pole-1"))
    key = tmp_path / "media.key"
    key.touch(mode=0o600)
    key.write_bytes(pem_of_key(town.key_of("pole-1")))
    return make_node(tmp_path, SEAL.format(tmp_path))


def package(node: OnDisk, folder: Path, *more: str, start_s: float = 0.0, end_s: float = 11.0) -> Outcome:
    return edge("clip", "--config", node.config, "--from", at(start_s), "--to", at(end_s), "--package", folder, *WHO, *more)


def test_a_package_is_a_folder_with_clips_a_signed_statement_and_reports(node: OnDisk, tmp_path: Path) -> None:
    outcome = package(node, tmp_path / "out")
    assert outcome.code == 0
    assert outcome.err == f"warning: missing {at(4)} to {at(7)}: camera_died\n"
    clips = ["cam0_20240601T100000.000Z.mp4", "cam0_20240601T100007.000Z.mp4"]
    beside = ["clip.json", "clip.json.jws", "report.en.html", "report.pl.html"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [*clips, *beside]
    statement = msgspec.json.decode((tmp_path / "out" / "clip.json").read_bytes(), type=Statement)
    for file in statement.files:
        assert file.sha256 == hashlib.sha256((tmp_path / "out" / file.name).read_bytes()).hexdigest()
    signed = (tmp_path / "out" / "clip.json").read_bytes()
    jws = read_detached((tmp_path / "out" / "clip.json.jws").read_bytes(), STATEMENT_TYPE, signed)
    assert verify(jws, statement.certificates.encode())
    assert (statement.request.basis, statement.request.recipient) == ("art. 11", "KRP I")


def test_without_an_agent_the_command_itself_signs_the_journals_heads(node: OnDisk, tmp_path: Path) -> None:
    package(node, tmp_path / "out")
    statement = msgspec.json.decode((tmp_path / "out" / "clip.json").read_bytes(), type=Statement)
    (proof,) = statement.records
    checkpoint = read_checkpoint(proof.checkpoint)
    assert verify(checkpoint.jws, statement.certificates.encode())
    assert checkpoint.claims.clip == statement.request.id
    assert statement.records_note == ""


def test_the_export_is_on_record_with_the_statements_hash(node: OnDisk, tmp_path: Path) -> None:
    package(node, tmp_path / "out")
    tail = edge("journal", "tail", "--config", node.config, "--journal", "local", "--json")
    (record,) = [json.loads(line)["record"] for line in tail.out.splitlines() if json.loads(line)["record"]["type"] == "export"]
    facts = record["facts"]
    assert (facts["operator"], facts["case"], facts["recipient"], facts["how"]) == ("a.nowak", "RSOW 7/26", "KRP I", "file")
    assert facts["statement_sha256"] == hashlib.sha256((tmp_path / "out" / "clip.json").read_bytes()).hexdigest()
    assert len(facts["files"]) == 2


def test_a_node_without_a_key_warns_and_makes_the_package_all_the_same(tmp_path: Path) -> None:
    node = make_node(tmp_path)
    outcome = package(node, tmp_path / "out", end_s=3)
    assert outcome.code == 0
    assert "warning: the package is not signed: this node has no [seal] section" in outcome.err
    assert not (tmp_path / "out" / "clip.json.jws").exists()


def test_a_broken_key_warns_too_and_is_refused_where_a_signature_is_required(node: OnDisk, tmp_path: Path) -> None:
    (tmp_path / "media.key").write_bytes(b"no key")
    outcome = package(node, tmp_path / "out", "--require-signature", end_s=3)
    assert outcome.code == 77
    assert "cannot be signed" in outcome.err
    assert not (tmp_path / "out").exists()
    assert package(node, tmp_path / "out", end_s=3).code == 0
    assert (tmp_path / "out" / "clip.json").exists()


def test_a_signature_is_required_of_packages_alone(node: OnDisk, tmp_path: Path) -> None:
    outcome = edge("clip", "--config", node.config, "--from", at(0), "--to", at(1), *WHO, "--require-signature", cwd=tmp_path)
    assert (outcome.code, "add --package" in outcome.err) == (2, True)


def test_a_folder_that_exists_is_left_as_it_is(node: OnDisk, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    outcome = package(node, tmp_path / "out", end_s=3)
    assert outcome.code == 2
    assert "exists already" in outcome.err
    assert list((tmp_path / "out").iterdir()) == []


def test_without_footage_there_is_no_folder(node: OnDisk, tmp_path: Path) -> None:
    outcome = package(node, tmp_path / "out", start_s=-60, end_s=-30)
    assert outcome.code == 77
    assert not (tmp_path / "out").exists()


def test_the_folder_may_be_left_to_the_command(node: OnDisk, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    outcome = edge("clip", "--config", node.config, "--from", at(0), "--to", at(1), "--package", *WHO, cwd=tmp_path / "here")
    assert (outcome.code, outcome.err) == (0, "")
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["cam0_20240601T100000Z"]


def test_json_lists_what_goes_with_the_clips(node: OnDisk, tmp_path: Path) -> None:
    manifest = json.loads(package(node, tmp_path / "out", "--json", end_s=3).out)
    for beside in manifest["attachments"]:
        assert beside["sha256"] == hashlib.sha256((tmp_path / "out" / beside["name"]).read_bytes()).hexdigest()
    assert [beside["name"] for beside in manifest["attachments"]] == ["clip.json", "clip.json.jws", "report.pl.html", "report.en.html"]
