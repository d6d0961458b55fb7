"""edge/cli/verify.py: exit codes, languages, several files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.cli.main import run
from edge.seal.signer import Identity
from tests.support.identities import Town, identity_of
from tests.support.sealed_package import Draft
from tests.support.signed import changed, sign_span, write_clip
from tests.support.video import encode


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One film for each verdict, and the authority to trust."""
    made = tmp_path_factory.mktemp("films")
    town = Town()
    node: Identity = identity_of(town, "pole-17")
    (made / "ca.pem").write_bytes(town.root)
    packets = sign_span(encode(frames=76), node).packets
    (made / "authentic.mp4").write_bytes(write_clip(packets))
    (made / "gaps.mp4").write_bytes(write_clip([*packets[:30], *packets[31:]]))
    (made / "partly.mp4").write_bytes(write_clip(packets[:75]))
    (made / "changed.mp4").write_bytes(write_clip(changed(packets, 30, lambda nals: [nals[0][:-1] + b"\x55"])))
    (made / "unsigned.mp4").write_bytes(write_clip(encode(frames=76)))
    (made / "text.txt").write_text("no film")
    Draft(node, [("gate.mp4", write_clip(packets), 0.0, 2.96)]).write(made / "package")
    return made


@pytest.mark.parametrize(
    ("name", "code", "english", "polish"),
    [
        ("authentic.mp4", 0, "AUTHENTIC", "AUTENTYCZNE"),
        ("gaps.mp4", 2, "AUTHENTIC WITH GAPS", "AUTENTYCZNE Z BRAKAMI"),
        ("partly.mp4", 3, "PARTLY VERIFIED", "CZĘŚCIOWO SPRAWDZONE"),
        ("changed.mp4", 4, "NOT AUTHENTIC", "NIEAUTENTYCZNE"),
        ("unsigned.mp4", 5, "UNSIGNED", "NIEPODPISANE"),
        ("package", 0, "AUTHENTIC", "AUTENTYCZNE"),
        ("package/clip.json", 0, "AUTHENTIC", "AUTENTYCZNE"),
    ],
)
def test_the_exit_code_is_the_verdict(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, code: int, english: str, polish: str
) -> None:
    words = ["verify", str(folder / name), "--trust", str(folder / "ca.pem")]
    for language, verdict in (("en", english), ("pl", polish)):
        assert run([*words, "--lang", language]) == code
        assert capsys.readouterr().out.splitlines()[0].split("  ")[0] == verdict
    assert run([*words, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["exit_code"]) == (english, code)


def test_several_films_get_a_line_each_and_the_worst_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trust = ["--trust", str(folder / "ca.pem"), "--lang", "en"]
    names = ["authentic.mp4", "gaps.mp4", "partly.mp4", "unsigned.mp4"]
    for count, code in ((2, 2), (3, 3), (4, 5)):
        assert run(["verify", *[str(folder / name) for name in names[:count]], *trust]) == code
        lines = capsys.readouterr().out.splitlines()
        assert [line.split("/")[-1] for line in lines] == names[:count]
    assert lines[0].startswith("AUTHENTIC                75/75  ")
    assert run(["verify", str(folder / "unsigned.mp4"), str(folder / "text.txt"), *trust]) == 65
    assert run(["verify", str(folder / "changed.mp4"), str(folder / "text.txt"), *trust]) == 4
    assert capsys.readouterr().err.count("edge: text.txt: neither") == 2


def test_a_folder_of_films_is_gone_through(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(folder), "--trust", str(folder / "ca.pem"), "--json"]) == 4
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["name"] for each in found] == ["authentic.mp4", "changed.mp4", "gaps.mp4", "gate.mp4", "partly.mp4", "unsigned.mp4"]


def test_without_trust_identity_is_not_checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(folder / "authentic.mp4"), "--lang", "en"]) == 3
    assert "who signed was not checked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["nothing.mp4"], 2, "there is no file"),
        (["text.txt"], 65, "neither MP4 nor Matroska"),
        (["authentic.mp4", "--trust", "text.txt"], 78, "text.txt"),
        (["authentic.mp4", "--trust", "nothing.pem"], 78, "nothing.pem"),
        (["authentic.mp4", "--zone", "Mars/Olympus"], 2, "Mars/Olympus"),
        (["authentic.mp4", "--lang", "de"], 2, "de"),
        ([], 2, "Missing argument"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, told: str
) -> None:
    monkeypatch.chdir(folder)
    assert run(["verify", *words]) == code
    out = capsys.readouterr()
    assert (out.out, told in out.err, "Traceback" in out.err) == ("", True, False)


@pytest.mark.parametrize(("session", "verdict"), [("pl_PL.UTF-8", "AUTENTYCZNE"), ("C.UTF-8", "AUTHENTIC")])
def test_the_session_says_which_language(folder: Path, session: str, verdict: str) -> None:
    words = [sys.executable, "-m", "edge", "verify", str(folder / "authentic.mp4"), "--trust", str(folder / "ca.pem")]
    env = {**os.environ, "LC_ALL": session, "PYTHONUTF8": "1"}
    done = subprocess.run(words, capture_output=True, text=True, env=env, timeout=60)
    assert (done.returncode, done.stdout.split()[0]) == (0, verdict)
