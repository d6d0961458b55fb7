"""edge/seal/package*.py through edge/seal/verify.py: the statement, its files, the journal."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import msgspec
import pytest

from edge.bmff.nal import split
from edge.bmff.params import parameter_sets
from edge.errors import IntegrityError, UsageError
from edge.messages.package import SIGNATURE_NAME, STATEMENT_NAME, Statement
from edge.seal.signer import Identity
from edge.seal.trust import Roots, read_roots
from edge.seal.verification import Verification
from edge.seal.verify import verify
from tests.support.identities import Town, identity_of
from tests.support.sealed_package import SPAN, Draft, journal_lines, proof_of, rewrite, segment_record, utc, with_gap
from tests.support.signed import SignedSpan, changed, sign_span, write_clip
from tests.support.video import encode


@lru_cache
def town() -> Town:
    return Town()


@lru_cache
def node() -> Identity:
    return identity_of(town(), "pole-17")


@lru_cache
def roots() -> Roots:
    return read_roots(town().root)


@lru_cache
def span(serial: str = "pole-17/gate") -> SignedSpan:
    return sign_span(encode(frames=100), node(), serial=serial)


@lru_cache
def params_sha256() -> str:
    params = parameter_sets("h264", split(encode(frames=100)[0].data))
    assert params is not None
    return params.sha256()


def lines(span_name: str = SPAN) -> list[str]:
    spoken = [segment_record(seq, -5 + 5 * (seq - 6), 5 * (seq - 6), params_sha256(), span_name) for seq in (6, 7, 8)]
    return journal_lines(spoken)


def draft(data: bytes | None = None, **changes: object) -> Draft:
    clip = data if data is not None else write_clip(span().whole_gops(0, 3))
    made = Draft(node(), [("gate.mp4", clip, 0.0, 2.96)], [proof_of(lines(), node())])
    return replace(made, **changes)  # type: ignore[arg-type]


def codes(found: Verification, effect: str = "contradicts") -> set[str]:
    return {reason.code for reason in found.reasons if reason.effect == effect}


def test_a_package_is_authentic(tmp_path: Path) -> None:
    found = verify(draft().write(tmp_path), roots())
    assert (found.verdict, found.exit_code, found.gaps) == ("AUTHENTIC", 0, [])
    assert codes(found) | codes(found, "unverifiable") == set()
    assert (found.frames.total, found.frames.verified, found.frames.by_package, found.frames.unverifiable) == (76, 75, 1, 0)
    assert found.signer is not None
    assert (found.signer.camera, found.signer.assurance, found.signer.trusted) == ("pole-17/gate", "file", True)
    checks = found.checks
    assert {checks.file_hash, checks.statement, checks.journal, checks.parameter_sets, checks.timing} == {"match"}
    assert verify(tmp_path / STATEMENT_NAME, roots()) == found


def test_pictures_that_no_signature_in_the_stream_covers_are_proven_by_the_hash(tmp_path: Path) -> None:
    unsigned = sign_span(encode(frames=100), node(), unsigned={1}).whole_gops(0, 3)
    found = verify(draft(write_clip(unsigned)).write(tmp_path), roots())
    assert (found.verdict, found.frames.verified, found.frames.by_package) == ("AUTHENTIC", 50, 26)


def test_a_film_without_any_signature_is_proven_by_the_package(tmp_path: Path) -> None:
    found = verify(draft(write_clip(encode(frames=76))).write(tmp_path), roots())
    assert (found.verdict, found.frames.by_package) == ("AUTHENTIC", 76)
    assert "stream_unsigned" in codes(found, "note")


def test_nobody_is_believed_without_trust(tmp_path: Path) -> None:
    found = verify(draft().write(tmp_path), None)
    assert (found.verdict, codes(found, "unverifiable")) == ("PARTLY VERIFIED", {"no_trust"})


def test_a_statement_without_signature_proves_nothing(tmp_path: Path) -> None:
    folder = draft().write(tmp_path)
    (folder / SIGNATURE_NAME).unlink()
    found = verify(folder, roots())
    assert found.verdict == "PARTLY VERIFIED"
    assert "statement_unsigned" in codes(found, "unverifiable")
    assert found.frames.by_package == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda each: msgspec.structs.replace(each, place="elsewhere"),
        lambda each: msgspec.structs.replace(each, request=msgspec.structs.replace(each.request, operator="other")),
        lambda each: msgspec.structs.replace(each, files=[]),
        lambda each: msgspec.structs.replace(each, fingerprint="00"),
    ],
)
def test_an_edited_statement_is_not_authentic(tmp_path: Path, change: object) -> None:
    folder = draft().write(tmp_path)
    assert callable(change)
    rewrite(folder, change)
    found = verify(folder, roots())
    assert (found.verdict, found.checks.statement) == ("NOT AUTHENTIC", "differs")
    assert "statement_signature_invalid" in codes(found)


def test_a_signature_of_garbage_is_not_authentic(tmp_path: Path) -> None:
    folder = draft().write(tmp_path)
    (folder / SIGNATURE_NAME).write_bytes(b"\xff.\x00.x")
    assert codes(verify(folder, roots())) == {"statement_signature_invalid"}


def test_a_foreign_town_and_another_node_are_not_authentic(tmp_path: Path) -> None:
    foreign = identity_of(Town(), "pole-17")
    found = verify(replace(draft(), identity=foreign).write(tmp_path / "foreign"), roots())
    assert "statement_certificate_untrusted" in codes(found)
    other = identity_of(town(), "pole-18")
    found = verify(replace(draft(), identity=other).write(tmp_path / "other"), roots())
    assert "statement_of_other_node" in codes(found)


def test_a_swapped_file_is_not_authentic(tmp_path: Path) -> None:
    folder = draft().write(tmp_path)
    (folder / "gate.mp4").write_bytes(write_clip(span().whole_gops(1, 2)))
    found = verify(folder, roots())
    assert (found.verdict, found.checks.file_hash, codes(found)) == ("NOT AUTHENTIC", "differs", {"file_differs"})


def test_the_film_of_another_camera_is_not_authentic(tmp_path: Path) -> None:
    found = verify(draft(write_clip(span("pole-17/yard").whole_gops(0, 3))).write(tmp_path), roots())
    assert (found.verdict, codes(found)) == ("NOT AUTHENTIC", {"file_of_other_camera"})


def test_a_changed_picture_stays_changed_even_where_the_statement_signs_its_file(tmp_path: Path) -> None:
    packets = span().whole_gops(0, 3)
    edited = changed(packets, 30, lambda nals: [nals[0][:-1] + bytes((nals[0][-1] ^ 2,)), *nals[1:]])
    found = verify(draft(write_clip(edited)).write(tmp_path), roots())
    assert (found.verdict, codes(found)) == ("NOT AUTHENTIC", {"picture_altered"})


def test_a_file_that_is_no_film_is_not_authentic(tmp_path: Path) -> None:
    folder = draft().write(tmp_path)
    (folder / "gate.mp4").write_bytes(b"no film")
    assert codes(verify(folder, roots())) == {"file_differs", "file_unreadable"}


def test_a_missing_file_is_an_unexplained_gap(tmp_path: Path) -> None:
    folder = draft().write(tmp_path)
    (folder / "gate.mp4").unlink()
    found = verify(folder, roots())
    assert found.verdict == "AUTHENTIC WITH GAPS"
    assert [(gap.why, gap.file, gap.explained) for gap in found.gaps] == [("file_missing", "gate.mp4", False)]


def test_declared_gaps_are_explained_and_others_are_not(tmp_path: Path) -> None:
    made = with_gap(draft(asked=(0.0, 30.0)), 3.0, 10.0)
    found = verify(made.write(tmp_path), roots())
    assert found.verdict == "AUTHENTIC WITH GAPS"
    told = [(gap.why, gap.start, gap.end, gap.explained, gap.reason) for gap in found.gaps]
    assert told == [("declared", utc(3), utc(10), True, "power"), ("undeclared", utc(10), utc(30), False, "")]


def test_a_gap_in_the_film_is_explained_by_a_declared_one(tmp_path: Path) -> None:
    packets = [each for number, each in enumerate(span().whole_gops(0, 3)) if number != 40]
    made = with_gap(draft(write_clip(packets)), 1.0, 2.0)
    found = verify(made.write(tmp_path), roots())
    assert ("pictures_missing", 1, True) in [(gap.why, gap.pictures, gap.explained) for gap in found.gaps]


def test_files_that_the_statement_does_not_name_are_told(tmp_path: Path) -> None:
    folder = draft().write(tmp_path)
    (folder / "notes.txt").write_bytes(b"x")
    (folder / "report.pl.html").write_bytes(b"x")
    found = verify(folder, roots())
    told = [(reason.count, reason.facts["name"]) for reason in found.reasons if reason.code == "files_not_named"]
    assert (found.verdict, told) == ("AUTHENTIC", [(1, "notes.txt")])


def test_a_film_under_any_name_is_not_vouched_for_behind_however_many_files(tmp_path: Path) -> None:
    folder = draft().write(tmp_path)
    for number in range(300):
        (folder / f"a{number}").write_bytes(b"x")
    assert verify(folder, roots()).verdict == "AUTHENTIC"
    (folder / "z").write_bytes(b"\0\0\0\x18ftypisom")
    assert (verify(folder, roots()).verdict) == "PARTLY VERIFIED"


def test_a_name_that_is_no_text_can_be_told(tmp_path: Path) -> None:
    folder = draft().write(tmp_path)
    (folder / os.fsdecode(b"\xff\x1b[2J.mp4")).write_bytes(b"x")
    found = verify(folder, roots())
    assert [reason.facts["name"] for reason in found.reasons if reason.code == "films_not_named"] == ["??[2J.mp4"]
    assert b"films_not_named" in msgspec.json.encode(found)


@pytest.mark.parametrize(("name", "data"), [("gate_2.mp4", b"x"), ("GATE.AVI", b""), ("gate", b"\0\0\0\x18ftypisom")])
def test_a_film_that_the_statement_does_not_name_is_not_vouched_for(tmp_path: Path, name: str, data: bytes) -> None:
    folder = draft().write(tmp_path)
    (folder / name).write_bytes(data)
    found = verify(folder, roots())
    assert (found.verdict, codes(found, "unverifiable")) == ("PARTLY VERIFIED", {"films_not_named"})


@pytest.mark.parametrize("name", ["../gate.mp4", "/etc/passwd", "", "..", "a/b.mp4"])
def test_no_name_leads_out_of_the_package(tmp_path: Path, name: str) -> None:
    def change(each: Statement) -> Statement:
        return msgspec.structs.replace(each, files=[msgspec.structs.replace(each.files[0], name=name)])

    found = verify(draft().write(tmp_path, change), roots())
    assert "file_name_leads_away" in codes(found)


def _edited(each: list[str]) -> list[str]:
    return [each[0], each[1].replace('"bytes":0', '"bytes":1'), each[2]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_edited, "journal_chain_broken"),
        (lambda each: [each[0], each[2]], "journal_chain_broken"),
        (lambda each: [each[1], each[0], each[2]], "journal_chain_broken"),
        (lambda each: each[:2], "journal_head_differs"),
        (lambda each: [*each[:2], each[2].replace('"bytes":0', '"bytes":1')], "journal_head_differs"),
        (lambda each: [each[0], "no record", each[2]], "journal_line_unreadable"),
        (lambda each: [], "journal_line_unreadable"),
    ],
)
def test_an_edited_journal_is_not_authentic(tmp_path: Path, change: object, code: str) -> None:
    assert callable(change)
    proof = proof_of(lines(), node())
    found = verify(draft(proofs=[msgspec.structs.replace(proof, lines=change(lines()))]).write(tmp_path), roots())
    assert (found.verdict, found.checks.journal, codes(found)) == ("NOT AUTHENTIC", "differs", {code})


def test_a_checkpoint_must_be_of_this_node_and_by_a_key_that_is_known(tmp_path: Path) -> None:
    other = draft(proofs=[proof_of(lines(), node(), node="pole-18")])
    assert codes(verify(other.write(tmp_path / "1"), roots())) == {"checkpoint_of_other_node"}
    unknown = draft(proofs=[proof_of(lines(), identity_of(town(), "pole-19"))])
    found = verify(unknown.write(tmp_path / "2"), roots())
    assert (found.verdict, codes(found, "unverifiable")) == ("PARTLY VERIFIED", {"checkpoint_key_unknown"})
    garbage = draft(proofs=[msgspec.structs.replace(proof_of(lines(), node()), checkpoint="a.b.c")])
    assert codes(verify(garbage.write(tmp_path / "3"), roots())) == {"checkpoint_unreadable"}


def test_the_journal_must_agree_with_the_files(tmp_path: Path) -> None:
    other_span = draft(proofs=[proof_of(lines("other/1"), node())])
    assert codes(verify(other_span.write(tmp_path / "1"), roots())) == {"journal_contradicts_span"}
    form = journal_lines([segment_record(7, 0, 5, "ab" * 32)])
    assert codes(verify(draft(proofs=[proof_of(form, node())]).write(tmp_path / "2"), roots())) == {"journal_contradicts_parameters"}
    late = journal_lines([segment_record(7, 3600, 3605, params_sha256())])
    assert codes(verify(draft(proofs=[proof_of(late, node())]).write(tmp_path / "3"), roots())) == {"journal_contradicts_time"}


def test_segments_that_were_still_open_are_told(tmp_path: Path) -> None:
    found = verify(draft(segments=[7, 8, 9]).write(tmp_path), roots())
    assert (found.verdict, codes(found, "note") >= {"segments_not_in_journal"}) == ("AUTHENTIC", True)


def test_a_package_without_journal_lines_says_so(tmp_path: Path) -> None:
    found = verify(draft(proofs=[]).write(tmp_path), roots())
    assert (found.verdict, found.checks.journal) == ("AUTHENTIC", "not_included")


def test_what_is_no_package_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / STATEMENT_NAME).write_text("{")
    with pytest.raises(IntegrityError):
        verify(tmp_path, roots())
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError):
        verify(tmp_path / "empty", roots())
