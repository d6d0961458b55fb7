"""Rows of the attack table on clip packages: the folder with clips, clip.json, its signature and the journal lines in it.

What is changed in clip.json without the node's key breaks its signature, whatever it is. Rows that say "signed again" have the node's own
key sign the changed clip.json, as an intruder on the node could: then the journal must speak.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from edge.bmff.nal import split
from edge.bmff.params import parameter_sets
from edge.messages.package import CHECKPOINT_TYPE, SIGNATURE_NAME, STATEMENT_NAME, JournalProof, Statement
from edge.seal.jws import sign_detached
from tests.support import attacks as do
from tests.support.attack_shapes import AUTHENTIC, GAPS, NOT, PARTLY
from tests.support.scene import PICTURES, Scene, as_clip
from tests.support.sealed_package import Draft, journal_lines, proof_of, rewrite, segment_record
from tests.support.town import node, self_signed

FILM = "gate.mp4"
SECONDS = 6
Change = Callable[[Statement], Statement]


@dataclass(frozen=True, kw_only=True)
class PackageRow:
    """play: makes the attacked package in an empty folder."""

    name: str
    changed: str
    verdict: str
    why: str
    play: Callable[[Scene, Path], object]
    codecs: tuple[str, ...] = ("h264", "h265")


def honest(scene: Scene, data: bytes = b"") -> Draft:
    params = parameter_sets(scene.codec, split(scene.raw[0].data))
    assert params is not None
    spoken = [segment_record(seq, 10 * (seq - 7), 10 * (seq - 6), params.sha256()) for seq in (6, 7, 8)]
    film = (FILM, data or as_clip(scene.packets, scene.codec), 0.0, SECONDS - 1 / PICTURES)
    return Draft(node(), [film], [proof_of(journal_lines(spoken), node())])


def signed_again(scene: Scene, folder: Path, change: Change) -> None:
    honest(scene).write(folder, change)


def behind_its_back(scene: Scene, folder: Path, change: Change) -> None:
    rewrite(honest(scene).write(folder), change)


def with_film(scene: Scene, folder: Path, change: Callable[[Scene], do.Stream]) -> None:
    """Only the film is another one."""
    honest(scene).write(folder)
    (folder / FILM).write_bytes(as_clip(change(scene), scene.codec))


def other_request(statement: Statement) -> Statement:
    return msgspec.structs.replace(statement, request=msgspec.structs.replace(statement.request, case="RSD 2/26"))


def with_lines(change: Callable[[list[str]], list[str]]) -> Change:
    def changed(statement: Statement) -> Statement:
        proof = statement.records[0]
        return msgspec.structs.replace(statement, records=[msgspec.structs.replace(proof, lines=change(proof.lines))])

    return changed


def edited(lines: list[str]) -> list[str]:
    assert '"frames":0' in lines[1]
    return [lines[0], lines[1].replace('"frames":0', '"frames":9'), *lines[2:]]


def with_checkpoint(of: Callable[[JournalProof], str]) -> Change:
    def changed(statement: Statement) -> Statement:
        proof = statement.records[0]
        return msgspec.structs.replace(statement, records=[msgspec.structs.replace(proof, checkpoint=of(proof))])

    return changed


def _other_statement(scene: Scene, folder: Path) -> None:
    """Statement and signature are those of another clip of the same camera."""
    honest(scene).write(folder)
    other = honest(scene, as_clip(do.without_gops(scene.packets, 0, 2), scene.codec)).write(folder / "other")
    for name in (STATEMENT_NAME, SIGNATURE_NAME):
        (other / name).replace(folder / name)
    (other / FILM).unlink()
    other.rmdir()


def _checkpoint_as_signature(scene: Scene, folder: Path) -> None:
    honest(scene).write(folder)
    payload = (folder / STATEMENT_NAME).read_bytes()
    (folder / SIGNATURE_NAME).write_text(sign_detached(node(), CHECKPOINT_TYPE, payload))


def _unsigned(scene: Scene, folder: Path) -> None:
    behind_its_back(scene, folder, other_request)
    (folder / SIGNATURE_NAME).unlink()


def _slipped_in(scene: Scene, folder: Path) -> None:
    honest(scene).write(folder)
    (folder / "gate_2.mp4").write_bytes(as_clip(do.without_seis(scene.codec, scene.yard.packets), scene.codec))


def package(name: str, changed: str, verdict: str, why: str, play: Callable[[Scene, Path], object]) -> PackageRow:
    return PackageRow(name=name, changed=changed, verdict=verdict, why=why, play=play)


def journal(name: str, changed: str, why: str, change: Callable[[list[str]], list[str]]) -> list[PackageRow]:
    return [
        package(name, changed, NOT, "the statement's signature covers the lines", partial(behind_its_back, change=with_lines(change))),
        package(f"{name}, signed again", changed, NOT, why, partial(signed_again, change=with_lines(change))),
    ]


PACKAGE_ROWS = [
    package("Package: nothing", "nothing: the control", AUTHENTIC, "film, statement and journal agree", lambda s, f: honest(s).write(f)),
    package(
        "Package: film cut",
        "the film's first two GOPs; what is left verifies by itself",
        NOT,
        "it is not the film whose hash the statement signs",
        partial(with_film, change=lambda s: do.without_gops(s.packets, 0, 2)),
    ),
    package(
        "Package: a bit of the film",
        "one bit of a P picture",
        NOT,
        "neither the stream's signatures nor the statement's hash fit",
        partial(with_film, change=lambda s: do.with_slice_bit_flipped(s.codec, s.packets, 2, 12)),
    ),
    package(
        "Package: film of another camera",
        "in the place of the film, well signed, under its name",
        NOT,
        "its signatures name another camera, and its hash is another one",
        partial(with_film, change=lambda s: s.yard.packets),
    ),
    package(
        "Package: film of another camera, signed again",
        "the statement names its hash, signed with the node's key",
        NOT,
        "the film's own signatures name another camera",
        lambda s, f: honest(s, as_clip(s.yard.packets, s.codec)).write(f),
    ),
    package(
        "Package: manifest edited", "another case number", NOT, "the statement is signed", partial(behind_its_back, change=other_request)
    ),
    package(
        "Package: manifest edited, signature removed",
        "another case number, and clip.json.jws deleted",
        PARTLY,
        "the film proves itself; nothing speaks for what clip.json says",
        _unsigned,
    ),
    package("Package: manifest of another clip", "of the same camera, with its signature", NOT, "it signs another hash", _other_statement),
    package(
        "Package: signature of another kind",
        "the same words signed as a checkpoint",
        NOT,
        "the kind stands in what is signed (typ)",
        _checkpoint_as_signature,
    ),
    package(
        "Package: statement by another node",
        "signed by a node of the same town",
        NOT,
        "that node's certificate does not name this one",
        lambda s, f: replace(honest(s), identity=node("pole-18")).write(f),
    ),
    package(
        "Package: statement self-signed",
        "by a key that vouches for itself",
        NOT,
        "no trusted authority signed its certificate",
        lambda s, f: replace(honest(s), identity=self_signed("pole-17")).write(f),
    ),
    *journal("Journal line edited", "the number of pictures in a segment's record", "the next line names the hash of the true one", edited),
    *journal("Journal line removed", "the record in the middle", "sequence numbers jump", lambda lines: [lines[0], *lines[2:]]),
    *journal("Last journal line removed", "the newest record", "it is the head that the checkpoint signs", lambda lines: lines[:-1]),
    *journal("Journal lines reordered", "two records change places", "sequence numbers jump", lambda lines: [lines[1], lines[0], lines[2]]),
    package(
        "Checkpoint of another time",
        "one that signs an earlier head of the same journal, signed again",
        NOT,
        "the lines end elsewhere",
        partial(signed_again, change=with_checkpoint(lambda proof: proof_of(proof.lines[:2], node()).checkpoint)),
    ),
    package(
        "Checkpoint of another node",
        "of the same town, signed again",
        PARTLY,
        "nothing in the package speaks for that key: the journal's lines are nobody's, film and statement hold",
        partial(signed_again, change=with_checkpoint(lambda proof: proof_of(proof.lines, node("pole-18"), node="pole-18").checkpoint)),
    ),
    package(
        "File removed",
        "the film",
        GAPS,
        "what is there holds; the named film is missing",
        lambda s, f: (honest(s).write(f) / FILM).unlink(),
    ),
    package(
        "File renamed",
        "the film has another name than the statement gives it",
        PARTLY,
        "the named film is missing, and nothing names the one that is there",
        lambda s, f: (honest(s).write(f) / FILM).rename(f / "yard.mp4"),
    ),
    package(
        "Film slipped in",
        "a film beside the others that clip.json does not name",
        PARTLY,
        "nothing speaks for it, and whoever opens the folder may take it for a part of the package",
        _slipped_in,
    ),
]
