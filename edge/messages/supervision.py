"""What passes between the agent and the process that started it, in the volatile folder. Lost at reboot, as it should be."""

from __future__ import annotations

import msgspec


class Supervisor(msgspec.Struct, frozen=True, kw_only=True):
    """Who starts this node's processes anew when asked. serves: the units, "recorder:<camera>", "watcher", "agent", and "node" where it can
    reboot the machine."""

    pid: int
    boot: str
    serves: list[str]


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """That one unit be started anew. id: of the command."""

    id: str
    unit: str
