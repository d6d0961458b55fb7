"""The firmware's key, with stand-ins for the Raspberry Pi's tools: what contract tests of all signers do not ask."""

from __future__ import annotations

import os
import select
from hashlib import sha256
from pathlib import Path

import pytest

from edge.errors import ConfigError, UsageError
from edge.seal.catalog import try_out
from edge.seal.rpi_signer import RpiSigner, create_otp_key
from edge.seal.signer import SigningTrouble
from tests.support.rpi_tools import RpiTools

DIGEST = sha256(b"footage").digest()
DEADLINE_S = 10.0


@pytest.fixture
def tools(tmp_path: Path) -> RpiTools:
    return RpiTools(tmp_path / "tools")


def burnt(tools: RpiTools) -> RpiSigner:
    create_otp_key(1, str(tools.folder), irreversible=True)
    return RpiSigner(1, DEADLINE_S, str(tools.folder))


@pytest.mark.parametrize("form", ["der", "raw"])
def test_the_firmware_may_answer_in_either_form(tools: RpiTools, form: str) -> None:
    tools.answer_in(form)
    try_out(burnt(tools))


def test_a_key_that_the_firmware_would_tell_is_not_called_hardware(tools: RpiTools) -> None:
    assert burnt(tools).assurance == "hardware"
    tools.lock(False)
    assert RpiSigner(1, DEADLINE_S, str(tools.folder)).assurance == "file"


def test_nothing_is_burnt_without_the_word_for_it(tools: RpiTools) -> None:
    with pytest.raises(UsageError, match="for ever - say --yes-irreversible"):
        create_otp_key(1, str(tools.folder), irreversible=False)
    with pytest.raises(ConfigError, match="OTP key 1 is empty"):
        RpiSigner(1, DEADLINE_S, str(tools.folder))


def test_a_key_that_is_there_is_kept(tools: RpiTools) -> None:
    public_key = burnt(tools).public_key
    with pytest.raises(UsageError, match="there already"):
        create_otp_key(1, str(tools.folder), irreversible=True)
    assert RpiSigner(1, DEADLINE_S, str(tools.folder)).public_key == public_key


def test_a_board_without_the_tools_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be run: No such file or directory - install it: apt install raspi-utils"):
        RpiSigner(1, DEADLINE_S, str(tmp_path))


def test_tools_that_are_gone_later_are_passing_trouble(tools: RpiTools) -> None:
    signer = burnt(tools)
    (tools.folder / "vcmailbox").unlink()
    with pytest.raises(SigningTrouble, match="cannot be run"):
        signer.sign(DIGEST)


def test_a_firmware_that_does_not_sign_is_trouble(tools: RpiTools) -> None:
    signer = burnt(tools)
    (tools.folder / "otp.pem").unlink()
    with pytest.raises(SigningTrouble, match="did not sign"):
        signer.sign(DIGEST)


@pytest.mark.parametrize("answer", ["", "junk", "0x1 0x2", "0x" + "f" * 9, "0x80000000 " * 40, "0x00000000 " * 40, "0xffffffff " * 40])
def test_an_answer_that_is_none_is_trouble(tools: RpiTools, answer: str) -> None:
    signer = burnt(tools)
    (tools.folder / "vcmailbox").write_text(f"#!/bin/sh\necho '{answer}'\n")
    with pytest.raises(SigningTrouble):
        signer.sign(DIGEST)


def _ends(pid: int, within_s: float = 10.0) -> bool:
    """Of a process that is not our child: a killed one takes a moment to go."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], within_s)[0])
    finally:
        os.close(descriptor)


def test_a_tool_that_leaves_something_running_does_not_hold_the_signer_up(tools: RpiTools) -> None:
    """What it left has the pipes still open, and goes with it."""
    signer = burnt(tools)
    pid = tools.folder / "pid"
    (tools.folder / "vcmailbox").write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {pid}\nwait\n")
    impatient = RpiSigner(1, 0.5, str(tools.folder))
    with pytest.raises(SigningTrouble, match="no answer within"):
        impatient.sign(DIGEST)
    assert _ends(int(pid.read_text()))
    assert signer.public_key == impatient.public_key
