"""The program that restarts a camera's stack: run, waited for by nobody, ended when it hangs."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from edge.services.stack_restart import StackRestart
from tests.support.live_receivers import until


def program(folder: Path, body: str) -> str:
    path = folder / "restart-stack"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def looked(stack: StackRestart) -> bool:
    stack.look()
    return stack._process is None


def test_it_is_run_once_at_a_time(tmp_path: Path) -> None:
    fifo = tmp_path / "gate"
    os.mkfifo(fifo)
    stack = StackRestart(program(tmp_path, f"read word < {fifo}; echo $word >> {tmp_path}/ran"))
    stack.run()
    stack.run()
    assert stack.runs == 1
    fifo.write_text("once\n")
    until(lambda: looked(stack), 20)
    assert (tmp_path / "ran").read_text() == "once\n"


def test_one_that_fails_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stack = StackRestart(program(tmp_path, "exit 3"))
    stack.run()
    until(lambda: looked(stack), 20)
    assert "ended with 3" in caplog.text


def test_one_that_hangs_is_ended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stack = StackRestart(program(tmp_path, "exec sleep 600"), patience_s=0.2)
    stack.run()
    until(lambda: looked(stack), 20)
    assert "hangs" in caplog.text


def test_one_that_is_not_there_costs_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        StackRestart(str(tmp_path / "nowhere")).run()
    assert "cannot be run" in caplog.text
    silent = StackRestart("")
    silent.run()
    assert silent.runs == 0
