"""A whole node whose configuration is changed from the centre, as tests see it."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import msgspec

from edge.centre.asked import Asked
from edge.clock import monotonic_s
from edge.config.trial import trial_path
from edge.messages.config import Trial
from edge.messages.evidence import ConfigTrial
from edge.messages.records import facts_of
from edge.messages.status import CameraStatus
from edge.messages.wire import Response
from tests.support.agents import CAMERA, NODE, AgentProcess, Town

OPERATOR, CASE = "a.nowak", "tuning"


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def command(town: Town, args: dict[str, object]) -> Asked:
    return town.centre.command(NODE, "config", args, operator=OPERATOR, case=CASE)


def apply(town: Town, before: str, wanted: str, confirm_s: int) -> Asked:
    """`wanted` instead of `before`."""
    return command(town, {"do": "apply", "toml": wanted, "sha256_before": sha256_of(before), "confirm_s": confirm_s})


def ask(town: Town, args: dict[str, object], wait_s: float = 40) -> Response:
    answer = command(town, args).wait(wait_s)
    assert answer is not None
    return answer


def trials(town: Town) -> list[tuple[str, str]]:
    found = [facts_of(event.record, ConfigTrial) for event in town.events if event.record.type == "config_trial"]
    return [(each.operator, each.state) for each in found]


def recorder_pid(node: AgentProcess) -> int:
    try:
        status = msgspec.json.decode((node.folder / "run" / CAMERA / "status.json").read_bytes(), type=CameraStatus)
    except OSError:
        return 0
    return status.pid if status.state == "recording" else 0


def trial_of(node: AgentProcess) -> Trial | None:
    try:
        return msgspec.json.decode(trial_path(node.config).read_bytes(), type=Trial)
    except OSError:
        return None


def until_state(node: AgentProcess, *states: str) -> None:
    """Looks often: some last for milliseconds."""
    ends_s = monotonic_s() + 30
    while (trial := trial_of(node)) is None or trial.state not in states:
        assert monotonic_s() < ends_s, node.log
        threading.Event().wait(0.005)


def kill_all(node: AgentProcess) -> None:
    """`edge run` first, which starts nothing anew then, and what it had started."""
    children = Path(f"/proc/{node.pid}/task/{node.pid}/children").read_text().split()
    node.kill()
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
