"""One transfer of a real agent to a real receiver, both killed at random: what is left of it at the end."""

from __future__ import annotations

import hashlib
import random
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from edge.messages.wire import Response
from tests.support.agents import AgentProcess
from tests.support.line_process import LineProcess
from tests.support.proxy import Proxy
from tests.support.receiver_process import receiver_process
from tests.support.stage import raised

SECONDS = 30
"""Of footage on the stage; the clip is nearly all of it."""
PAUSE_S = (0.1, 2.4)
"""Between two kills; an agent takes about a second until it sends."""


@dataclass(frozen=True)
class Survived:
    """response: the job's last word. up_bytes: that came over the link, heads included. killed: agent, receiver."""

    response: Response | None
    up_bytes: int
    killed: Counter[str]
    copies: dict[str, str]
    """SHA-256 of every delivered film, by name."""
    log: str


def transfer_in_spite_of_kills(folder: Path, kills: int, size: int, seed: int) -> Survived:
    """Until the kills are over, the link is so slow that the transfer cannot be."""
    chance, killed, pause = random.Random(seed), Counter[str](), threading.Event()
    received = folder / "received"
    with raised(folder, filler_bytes=size // SECONDS) as stage, Proxy(stage.upload_port) as link, stage.town() as town:
        receiver = receiver_process(received, stage.upload_port, idle_s=1.0)
        link.bytes_per_s = size / (kills * sum(PAUSE_S) / 2 + 5)
        agent = stage.agent(link.port)
        try:
            agent.start()
            town.until_online()
            clip = stage.ask(town, 0.5, SECONDS - 1, id="killed")
            while killed.total() < kills:
                pause.wait(chance.uniform(*PAUSE_S))
                victim = chance.choice(["agent", "receiver"])
                receiver = _killed(victim, agent, receiver, received)
                killed[victim] += 1
            early = clip.wait(0)
            assert early is None or early.state not in ("done", "failed"), "the kills met the transfer"
            link.bytes_per_s = 0.0
            response = clip.wait(120)
            return Survived(response, link.up_bytes, killed, _films(received), agent.log)
        finally:
            agent.kill()
            receiver.kill()


def _killed(victim: str, agent: AgentProcess, receiver: LineProcess, received: Path) -> LineProcess:
    """And started again at once. The receiver that runs now."""
    if victim == "agent":
        agent.kill()
        agent.start()
        return receiver
    port = int(receiver.first_line)
    receiver.kill()
    return receiver_process(received, port, idle_s=1.0)


def _films(received: Path) -> dict[str, str]:
    place = received / "pole-1" / "killed"
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in place.glob("*.mp4")}


def assert_equal(survived: Survived) -> None:
    """Done, and every film is the receiver's byte for byte."""
    response = survived.response
    assert response is not None, survived.log[-3000:]
    assert (response.state, response.code) == ("done", ""), response
    assert response.manifest is not None
    assert response.manifest.files
    assert survived.copies == {file.name: file.sha256 for file in response.manifest.files}
