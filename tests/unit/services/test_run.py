from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event, Timer

from edge.config.read import read_config
from edge.services.run import Child, Pace, children_of, supervise
from tests.support.nodefile import SMALLEST, write_config

QUICK = Pace(first_s=0.02, longest_s=0.1, stable_s=60.0, poll_s=0.01, stop_s=1.0)
LIMIT_S = 20.0

NOTES = (
    "import os, pathlib, signal, sys, time\nnotes = pathlib.Path(sys.argv[1])\n"
    "def note(text):\n    with notes.open('a') as f: f.write(text + '\\n')\n"
)
STOPS = NOTES + (
    "def stop(*_):\n    time.sleep(float(sys.argv[3])); note('stopped ' + sys.argv[2]); sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, stop)\nnote('started ' + sys.argv[2])\ntime.sleep(60)\n"
)
DEAF = NOTES + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nnote('started ' + sys.argv[2] + ' ' + str(os.getpid()))\ntime.sleep(60)\n"
ENDS = NOTES + "note('started ' + sys.argv[2])\nsys.exit(int(sys.argv[3]))\n"


def child(script: str, notes: Path, name: str, *more: str, rank: int = 0) -> Child:
    return Child(name, (sys.executable, "-c", script, str(notes), name, *more), rank)


def lines(notes: Path) -> list[str]:
    return notes.read_text("utf-8").splitlines() if notes.exists() else []


def wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    turn = Event()
    while not condition():
        assert time.monotonic() < deadline_s
        turn.wait(0.02)


def stop_when(condition: Callable[[], bool], stop: Event) -> Timer:
    def watch() -> None:
        wait_for(condition)
        stop.set()

    timer = Timer(0, watch)
    timer.start()
    return timer


def test_a_node_has_a_recorder_per_camera_a_watcher_and_an_agent(tmp_path: Path) -> None:
    more = '[[camera]]\nid = "cam1"\nsource = "synthetic:"\n[mqtt]\nhost = "h"\n'
    path = write_config(tmp_path, more=more)
    children = children_of(read_config(path).config, path)
    assert [(one.name, one.rank) for one in children] == [("recorder cam0", 1), ("recorder cam1", 1), ("watcher", 0), ("agent", 0)]
    assert children[1].argv[1:] == ("-m", "edge", "record", "--camera", "cam1", "--config", str(path))


def test_a_node_without_a_link_and_motion_only_records(tmp_path: Path) -> None:
    path = write_config(tmp_path, SMALLEST + "motion = false\n")
    assert [one.name for one in children_of(read_config(path).config, path)] == ["recorder cam0"]


class Asks:
    """A desk that wants one unit anew, once, when `ready`."""

    def __init__(self, unit: str, ready: Callable[[], bool]) -> None:
        self._units, self._ready = [unit], ready

    def look(self, now_s: float) -> list[str]:
        units, self._units = (self._units, []) if self._ready() else ([], self._units)
        return units


def test_a_unit_that_is_wanted_anew_is_ended_in_order_and_started_at_once(tmp_path: Path) -> None:
    notes, stop = tmp_path / "notes", Event()
    timer = stop_when(lambda: len(lines(notes)) >= 4, stop)
    one, other = (replace(child(STOPS, notes, name, "0"), unit=name) for name in ("one", "other"))
    slow = Pace(first_s=30.0, longest_s=30.0, poll_s=0.01, stop_s=5.0)
    assert supervise([one, other], stop, slow, [Asks("one", lambda: len(lines(notes)) == 2)]) == 0
    timer.join()
    assert lines(notes)[2:4] == ["stopped one", "started one"]


def test_a_deaf_unit_that_is_wanted_anew_is_killed_and_one_that_had_ended_runs_again(tmp_path: Path) -> None:
    notes, stop = tmp_path / "notes", Event()
    timer = stop_when(lambda: len(lines(notes)) >= 4, stop)
    deaf = replace(child(DEAF, notes, "deaf"), unit="deaf")
    ended = replace(child(ENDS, notes, "ended", "78"), unit="ended")
    desks = [Asks(unit, lambda: len(lines(notes)) == 2) for unit in ("deaf", "ended")]
    pace = Pace(first_s=30.0, longest_s=30.0, poll_s=0.01, stop_s=0.2)
    assert supervise([deaf, ended], stop, pace, desks) == 1, "the second one is deaf too"
    timer.join()
    assert sorted(line.split()[1] for line in lines(notes)) == ["deaf", "deaf", "ended", "ended"]


def test_recorders_stop_last(tmp_path: Path) -> None:
    notes, stop = tmp_path / "notes", Event()
    children = [child(STOPS, notes, "recorder", "0", rank=1), child(STOPS, notes, "watcher", "0.3"), child(STOPS, notes, "agent", "0.1")]
    timer = stop_when(lambda: len(lines(notes)) == 3, stop)
    assert supervise(children, stop, QUICK) == 0
    timer.join()
    assert lines(notes)[3:] == ["stopped agent", "stopped watcher", "stopped recorder"]


def test_a_child_that_fails_is_started_again(tmp_path: Path) -> None:
    notes, stop = tmp_path / "notes", Event()
    timer = stop_when(lambda: len(lines(notes)) >= 3, stop)
    assert supervise([child(ENDS, notes, "flaky", "1")], stop, QUICK) == 0
    timer.join()
    assert set(lines(notes)) == {"started flaky"}


def test_a_child_whose_configuration_is_wrong_is_not_started_again(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    children = [child(ENDS, notes, "wrong", "78"), child(ENDS, notes, "done", "0")]
    assert supervise(children, Event(), QUICK) == 78
    assert sorted(lines(notes)) == ["started done", "started wrong"]


def test_a_command_that_is_not_there_does_not_stop_the_others(tmp_path: Path) -> None:
    notes, stop = tmp_path / "notes", Event()
    timer = stop_when(lambda: lines(notes) == ["started recorder"], stop)
    assert supervise([Child("absent", ("/nonexistent/program",), 0), child(STOPS, notes, "recorder", "0", rank=1)], stop, QUICK) == 0
    timer.join()
    assert lines(notes)[-1] == "stopped recorder"


def test_a_child_that_does_not_stop_is_killed_and_told(tmp_path: Path) -> None:
    notes, stop = tmp_path / "notes", Event()
    timer = stop_when(lambda: bool(lines(notes)), stop)
    assert supervise([child(DEAF, notes, "deaf")], stop, Pace(poll_s=0.01, stop_s=0.2)) == 1
    timer.join()
    assert not alive(int(lines(notes)[0].split()[-1]))


def test_pauses_grow_to_a_limit() -> None:
    pace = Pace()
    assert [pace.pause_s(failures) for failures in (0, 1, 2, 3, 4, 5, 6, 10_000)] == [1, 2, 4, 8, 16, 30, 30, 30]


def test_children_die_with_their_parent(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    script = (
        "import sys\nfrom threading import Event\nfrom edge.services.run import Child, supervise\n"
        f"supervise([Child('c', (sys.executable, '-c', {STOPS!r}, {str(notes)!r}, 'c', '0'), 0)], Event())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).resolve().parents[3])
    wait_for(lambda: lines(notes) == ["started c"])
    parent.send_signal(signal.SIGKILL)
    parent.wait(LIMIT_S)
    wait_for(lambda: "stopped c" in lines(notes))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
