"""A node looked after from the centre's command line: identified, diagnosed, restarted, tuned."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.agents import CAMERA, NODE
from tests.support.command import Outcome, edge
from tests.support.stage import raised
from tests.support.tuned_node import recorder_pid


def test_a_node_is_looked_after_from_the_command_line(tmp_path: Path) -> None:
    broker = tmp_path / "centre.toml"
    with raised(tmp_path) as stage, stage.town() as town, stage.node(watched=False) as node:
        broker.write_text(f'[mqtt]\nhost = "127.0.0.1"\nport = {stage.broker.port}\ntls = false\n')
        place = ("--broker", broker, "--key", stage.private_key, "--operator", "a.nowak")

        def centre(*words: str | Path) -> Outcome:
            return edge("centre", *words, *place, timeout_s=120)

        town.until_online()
        town.until(lambda: recorder_pid(node) > 0, "the camera records")
        known = centre("identify", "--wait", "7")
        assert known.out.splitlines()[-1] == "1 nodes answered within 7 s", known
        assert f"cameras {CAMERA}" in known.out
        assert f"camera {CAMERA}: recording" in centre("diag", NODE).out
        assert "runs anew" in centre("restart", NODE, f"recorder:{CAMERA}").out
        again = centre("restart", NODE, f"recorder:{CAMERA}")
        assert (again.code, "too_soon" in again.err) == (77, True)

        shown = tmp_path / "shown.toml"
        shown.write_text(centre("config", NODE, "show").out)
        wanted, evil = tmp_path / "wanted.toml", tmp_path / "evil.toml"
        wanted.write_text(shown.read_text() + "[health]\ninterval_s = 45.0\n")
        evil.write_text(shown.read_text().replace("[mqtt]", "[command]\nper_operator_and_hour = 9999\n[mqtt]"))
        checked = centre("config", NODE, "check", evil)
        assert checked.code == 77
        assert "command.per_operator_and_hour: may not be changed from afar" in checked.out
        assert "changes: health.interval_s" in centre("config", NODE, "check", wanted).out
        applied = centre("config", NODE, "apply", wanted, "--case", "tuning")
        assert applied.code == 0, (applied, node.log)
        assert "interval_s = 45.0" in node.config.read_text()
        stale = centre("config", NODE, "apply", shown)
        assert (stale.code, "config_differs" in stale.err) == (77, True)

        desired = centre("config", NODE, "apply", shown, "--version", "1", "--before", json_sha(centre("config", NODE, "show", "--json")))
        assert desired.out == "version 1: in_force\n", (desired, node.log)
        assert "interval_s = 45.0" not in node.config.read_text()
        assert centre("config", NODE, "apply").code == 2
        assert node.stop() == 0


def json_sha(shown: Outcome) -> str:
    return str(json.loads(shown.out)["data"]["sha256"])
