"""The supervisor's part of a configuration on trial: it puts it in force, and takes it back when its time is over.

It does so whatever becomes of the agent: a configuration under which no agent runs is taken back like one that does not connect.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from edge.clock import monotonic_s
from edge.config.trial import is_over, read_trial, roll_back, start_trying
from edge.errors import StorageError, TryAgain
from edge.host.disk import Disk
from edge.host.turn import turn_at
from edge.messages.config import Trial

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
TURN_WAIT_S = 2.0
TRIALS_PER_HOUR = 6
_HOUR_S = 3600.0

Turn = Callable[[], AbstractContextManager[None]]


class ConfigGuard:
    """The supervisor's main thread. turn: held while the trial is read and written, since the agent may confirm it. boot_s: seconds on a
    clock that begins with the boot."""

    def __init__(self, disk: Disk, path: Path, boot: str, turn: Turn | None = None, boot_s: Callable[[], float] = monotonic_s) -> None:
        self._disk, self._path, self._boot, self._boot_s = disk, path, boot, boot_s
        self._turn_at: Turn = turn or partial(turn_at, path.parent, TURN_WAIT_S)
        self._due_s = 0.0
        self._begun_s: deque[float] = deque()
        self._restarted: tuple[str, str] | None = None

    def start(self) -> None:
        """Before any process reads node.toml: whatever the power cut off is done."""
        self._once(starting=True)

    def look(self, now_s: float) -> list[str]:
        """Units to be started anew, since their configuration is another one."""
        if now_s < self._due_s:
            return []
        self._due_s = now_s + LOOK_EVERY_S
        return self._once(starting=False)

    def _once(self, *, starting: bool) -> list[str]:
        try:
            with self._turn_at():
                trial = read_trial(self._disk, self._path)
                if trial is None or trial.state == "confirmed":
                    return []
                after = self._step(trial)
        except (StorageError, TryAgain) as error:
            log.error("the configuration on trial: %s", error)
            return []
        step = (after.id, after.state)
        if step == self._restarted or starting:
            self._restarted = step
            return []
        self._restarted = step
        log.warning("configuration %s (%s): %s %s", after.wanted_sha256[:16], after.id, after.state.replace("_", " "), after.why)
        return after.units if after.state == "trying" or trial.state != "wanted" else []

    def _step(self, trial: Trial) -> Trial:
        now_s = self._boot_s()
        if trial.state == "wanted":
            while self._begun_s and now_s - self._begun_s[0] >= _HOUR_S:
                self._begun_s.popleft()
            if len(self._begun_s) >= TRIALS_PER_HOUR:
                return roll_back(self._disk, self._path, trial, f"{TRIALS_PER_HOUR} changes within an hour")
            self._begun_s.append(now_s)
            return start_trying(self._disk, self._path, trial, self._boot, now_s)
        if trial.state == "rolled_back":
            return roll_back(self._disk, self._path, trial, trial.why)
        if trial.boots[-1:] == [self._boot] and is_over(trial, now_s):
            return roll_back(self._disk, self._path, trial, f"no connected link within {trial.confirm_s} s")
        return start_trying(self._disk, self._path, trial, self._boot, now_s)
