"""The clip package: clip.json, its signature, and what a node without a key does."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.clip.package import PackageMaker, attachments_of
from edge.clip.sheet import PICTURES, contact_sheet
from edge.errors import ConfigError
from edge.host.linux_disk import LinuxDisk
from edge.messages.package import SIGNATURE_NAME, STATEMENT_NAME, STATEMENT_TYPE, Statement
from edge.seal.jws import read_detached, verify
from edge.seal.signer import Identity
from edge.upload.passage import Stopped
from tests.support.packages import Node
from tests.support.signers import FailingSigner


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node.make(tmp_path)


def test_the_statement_is_signed_as_it_lies_in_the_folder(node: Node) -> None:
    package = node.package()
    assert list(package.files) == ["clip.json", "clip.json.jws", "report.pl.html", "report.en.html"]
    jws = read_detached(package.files[SIGNATURE_NAME], STATEMENT_TYPE, package.files[STATEMENT_NAME])
    assert verify(jws, node.identity.certificates)
    assert jws.fingerprint == node.identity.fingerprint
    edited = package.files[STATEMENT_NAME].replace(b"RSOW 7/26", b"RSOW 8/26")
    assert not verify(read_detached(package.files[SIGNATURE_NAME], STATEMENT_TYPE, edited), node.identity.certificates)


def test_the_statement_says_what_was_asked_what_is_there_and_what_is_missing(node: Node) -> None:
    request = node.request(basis="art. 11", recipient="KRP I")
    plan, manifest = node.planned(request)
    statement = msgspec.json.decode(node.maker().make(manifest, plan, node.segment).files[STATEMENT_NAME], type=Statement)
    assert (statement.request, statement.files, statement.gaps) == (request, manifest.files, manifest.gaps)
    assert [gap.reason for gap in statement.gaps] == ["camera_died"]
    assert statement.certificates.encode() == node.identity.certificates
    assert (statement.fingerprint, statement.assurance) == (node.identity.fingerprint, "file")
    assert [len(proof.lines) for proof in statement.records] == [5]


def test_without_a_key_the_package_is_made_all_the_same_and_says_so(node: Node) -> None:
    package = node.package(signed=False)
    assert "no [seal] section" in package.unsigned
    assert list(package.files) == ["clip.json", "report.pl.html", "report.en.html"]
    statement = msgspec.json.decode(package.files[STATEMENT_NAME], type=Statement)
    assert (statement.fingerprint, statement.certificates, statement.records_note) == ("", "", "no_checkpoint")
    assert "no key to sign with" in package.files["report.en.html"].decode()
    assert "nie ma ono klucza" in package.files["report.pl.html"].decode()


def test_a_key_that_cannot_be_opened_makes_an_unsigned_package(node: Node) -> None:
    def broken() -> Identity:
        raise ConfigError("key.pem cannot be read")

    plan, manifest = node.planned(node.request())
    package = PackageMaker(node.config, LinuxDisk(), node.clock, broken).make(manifest, plan, node.segment)
    assert package.unsigned == "key.pem cannot be read"
    assert SIGNATURE_NAME not in package.files


def test_a_signer_that_fails_leaves_no_name_of_its_key_behind_and_is_let_go(node: Node) -> None:
    signer = FailingSigner(node.identity)
    signer.failures = 99
    identity = Identity(signer, node.identity.certificates, node.identity.fingerprint)
    plan, manifest = node.planned(node.request())
    package = PackageMaker(node.config, LinuxDisk(), node.clock, lambda: identity).make(manifest, plan, node.segment)
    statement = msgspec.json.decode(package.files[STATEMENT_NAME], type=Statement)
    assert (statement.fingerprint, statement.certificates, statement.assurance) == ("", "", "")
    assert "answers with an error" in package.unsigned
    assert signer.closed == 1


def test_who_gives_up_waiting_for_a_package_is_heard(node: Node) -> None:
    def check() -> None:
        raise Stopped("the agent stops")

    plan, manifest = node.planned(node.request())
    with pytest.raises(Stopped):
        node.maker().make(manifest, plan, node.segment, check)


def test_what_goes_with_the_clips_is_listed_with_its_kind(node: Node) -> None:
    kinds = {each.name: each.kind for each in attachments_of(node.package().files)}
    assert kinds == {
        "clip.json": "application/json",
        "clip.json.jws": "application/jose",
        "report.pl.html": "text/html",
        "report.en.html": "text/html",
    }


def test_the_contact_sheet_shows_key_frames_from_the_first_to_the_last(node: Node) -> None:
    plan, _ = node.planned(node.request())
    sheet = contact_sheet(plan, node.segment)
    assert sheet.trouble == ""
    assert len(sheet.stills) == 8 <= PICTURES, "one a second of two files of four seconds"
    assert [still.utc_ns for still in sheet.stills] == sorted(still.utc_ns for still in sheet.stills)
    assert all(still.jpeg.startswith(b"\xff\xd8") for still in sheet.stills)
    assert len(contact_sheet(plan, node.segment, count=3).stills) == 3


def test_footage_that_cannot_be_read_costs_only_the_pictures(node: Node) -> None:
    plan, manifest = node.planned(node.request())
    for path in node.disk.segments:
        path.write_bytes(bytes(path.stat().st_size))
    package = node.maker().make(manifest, plan, node.segment)
    assert "could not be made" in package.files["report.en.html"].decode()
    assert SIGNATURE_NAME in package.files
