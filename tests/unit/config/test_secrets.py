from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.config.read import read_config
from edge.config.secrets import check_files, read_credentials, read_first_line, secret_fault
from edge.errors import ConfigError
from tests.support.nodefile import SMALLEST, write_config


def secret(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_that_only_its_owner_may_read_is_used(tmp_path: Path, mode: int) -> None:
    assert read_first_line(secret(tmp_path / "token", " s3cret \nsecond\n", mode), "upload.token_file") == "s3cret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o777])
def test_a_file_that_others_have_rights_on_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    path = secret(tmp_path / "token", "x", mode)
    with pytest.raises(ConfigError, match=r"upload\.token_file: .*chmod 600"):
        read_first_line(path, "upload.token_file")


def test_a_folder_a_pipe_and_nothing_are_no_secrets(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "not a plain file" in (secret_fault(tmp_path) or "")
    assert "not a plain file" in (secret_fault(tmp_path / "pipe") or "")
    assert "No such file" in (secret_fault(tmp_path / "absent") or "")


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="first line is empty"):
        read_first_line(secret(tmp_path / "token", "\nlater"), "mqtt.password_file")


def test_credentials_are_two_lines(tmp_path: Path) -> None:
    path = secret(tmp_path / "cam", "user = viewer\npassword=a=b\n")
    assert read_credentials(path, "camera[0].secrets") == ("viewer", "a=b")
    with pytest.raises(ConfigError, match=r"user=\.\.\."):
        read_credentials(secret(tmp_path / "half", "user=viewer\n"), "camera[0].secrets")


def test_checking_files_finds_all_that_are_missing_or_open(tmp_path: Path) -> None:
    secret(tmp_path / "pw", "x", 0o644)
    more = """
[[camera]]
id = "cam1"
source = "file:absent.mp4"
[mqtt]
host = "h"
ca = "absent.pem"
user = "u"
password_file = "pw"
[seal]
key = "pw"
certificate = "absent.crt"
"""
    problems = {problem.path: problem.text for problem in check_files(read_config(write_config(tmp_path, SMALLEST, more)).config)}
    assert set(problems) == {"camera[1].source", "mqtt.ca", "mqtt.password_file", "seal.key", "seal.certificate"}
    assert "0644" in problems["mqtt.password_file"]
