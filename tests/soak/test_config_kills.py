"""A node whose configuration is changed again and again, killed at a random moment of each change: EDGE_CONFIG_KILLS, 40 if not set.

Every other change is made while the broker is away, so that it must be taken back.
"""

from __future__ import annotations

import os
import random
import threading
from functools import partial
from pathlib import Path

from edge.centre.asked import Asked
from tests.support.stage import raised
from tests.support.tuned_node import apply, kill_all, recorder_pid, trial_of

KILLS = int(os.environ.get("EDGE_CONFIG_KILLS", "40"))
SEED = 20261126


def accepted(asked: Asked) -> bool:
    return bool(asked.responses)


def test_whenever_it_is_killed_it_ends_with_one_of_the_two_and_says_which(tmp_path: Path) -> None:
    chance, ends = random.Random(SEED), {"done": 0, "failed": 0}
    with raised(tmp_path) as stage, stage.town() as town, stage.node() as node:
        for number in range(KILLS):
            town.until_online()
            town.until(lambda: recorder_pid(node) > 0, "the camera records")
            before = node.config.read_text()
            wanted = before.partition("# change")[0] + f"# change {number}\n"
            asked = apply(town, before, wanted, 10)
            town.until(partial(accepted, asked), "it is accepted")
            away = bool(number % 2)
            if away:
                stage.broker.stop()
            threading.Event().wait(chance.uniform(0.0, 4.0))
            kill_all(node)
            assert node.config.read_text() in (before, wanted)
            node.start()
            if away:
                threading.Event().wait(14.0)
                stage.broker.start()
            answer = asked.wait(90)
            assert answer is not None, node.log
            ends[answer.state] += 1
            assert node.config.read_text() == (wanted if answer.state == "done" else before), (number, answer)
            town.until(lambda: trial_of(node) is None, "the trial is forgotten")
        assert node.stop() == 0
    print(f"{KILLS} kills: {ends['done']} changes kept, {ends['failed']} taken back")
    assert min(ends.values()) > 0
