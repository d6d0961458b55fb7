"""The verb diag through a real broker; what the agent leaves of its link for whoever stands at the pole."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.health.diag import DIAG_MAX_BYTES
from edge.messages.diag import Diagnosis
from tests.support.agents import CAMERA, NODE
from tests.support.command import edge
from tests.support.stage import raised


def test_a_node_in_trouble_tells_the_centre_and_the_crew_the_same(tmp_path: Path) -> None:
    with raised(tmp_path) as stage, stage.agent() as agent:
        with stage.town() as town:
            town.until_online()
            answer = town.centre.command(NODE, "diag", {}, operator="crew").wait(20)
            assert answer is not None, agent.log
            assert answer.state == "done", answer
            assert len(msgspec.json.encode(answer.data)) <= DIAG_MAX_BYTES
            told = msgspec.convert(answer.data, Diagnosis)
            assert told.link is not None
            assert told.link.link.connected
            assert [ring.camera for ring in told.rings] == [CAMERA]
            refused = town.centre.command(NODE, "diag", {"logs": "all"}, operator="crew").wait(20)
            assert refused is not None
            assert refused.code == "bad_args"
            stage.broker.kill()
            town.until(lambda: "last trouble" in edge("diag", "--config", agent.config).out, "the lost link is noted")
        shown = edge("diag", "--config", agent.config)
        assert "not connected, last" in shown.out
        assert agent.stop() == 0
