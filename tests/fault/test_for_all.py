"""What is said to all nodes at once, through a real broker: who is there answers, each in its own time, and nothing else is obeyed."""

from __future__ import annotations

from pathlib import Path

from edge.clock import utc_datetime
from edge.messages.records import Command, facts_of
from tests.support.agents import NODE
from tests.support.stage import CLOCK, raised


def test_all_nodes_say_who_they_are_and_do_nothing_else_for_all(tmp_path: Path) -> None:
    with raised(tmp_path) as stage, stage.town() as town, stage.agent() as agent:
        town.until_online()
        month = f"{utc_datetime(CLOCK.read().utc_ns):%Y-%m}"
        who = town.centre.ask_all("identify", {}, operator="a.nowak")
        accounts = town.centre.ask_all("report", {"month": month}, operator="a.nowak")
        refused = town.centre.ask_all("restart", {"what": "agent"}, operator="a.nowak")
        answer = who.wait([NODE], 20)[NODE]
        assert answer.state == "done", agent.log
        view = town.centre.node(NODE)
        assert view is not None
        assert answer.data == view.info
        assert accounts.wait([NODE], 20)[NODE].data["month"] == month
        assert refused.wait([NODE], 20)[NODE].code == "not_for_all"
        own = town.centre.command(NODE, "identify", {}, operator="a.nowak").wait(10)
        assert own is not None
        assert own.data["config_sha256"] == answer.data["config_sha256"]

        def decided() -> list[tuple[str, str]]:
            found = [facts_of(event.record, Command) for event in town.events if event.record.type == "command"]
            return sorted((each.verb, each.state) for each in found)

        town.until(lambda: len(decided()) == 4, "all is on record")
        assert decided() == [("identify", "done"), ("identify", "done"), ("report", "accepted"), ("restart", "refused")]
        assert agent.stop() == 0
