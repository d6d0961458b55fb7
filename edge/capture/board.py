"""What machine this is and what is plugged into it, from /proc and /sys (proc(5), Linux: ABI/testing/sysfs-class-thermal).

Nothing is opened: a camera that is being recorded is not disturbed.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")
_PROFILES = (
    (r"Raspberry Pi 5", "pi5-cm3"),
    (r"Raspberry Pi Compute Module 4", "cm4"),
    (r"Raspberry Pi (4|3|Zero 2)", "pi4-cm3"),
    (r"Orin NX", "orin-nx"),
    (r"Orin Nano", "orin-nano"),
)
_SENSORS = {("pi4-cm3", "imx477"): "pi4-hq", ("pi5-cm3", "imx296"): "pi5-gs"}
"""A profile of the board, and a sensor for which there is a better one."""


@dataclass(frozen=True, slots=True)
class Device:
    """A capture device of the kernel. stable: a name that does not depend on what else is plugged in."""

    device: str
    name: str
    stable: str


@dataclass(frozen=True, slots=True)
class Board:
    """model: "" where no device tree tells. memory_mb: of all. zones: type of a thermal zone -> degrees Celsius."""

    model: str
    cpus: int
    memory_mb: int
    cma_mb: int
    zones: dict[str, float]
    devices: list[Device]

    def profile(self, sensors: list[str]) -> str:
        """The hardware profile that fits best. sensors: models that libcamera told, in lower case."""
        name = next((name for pattern, name in _PROFILES if re.search(pattern, self.model)), "")
        if not name:
            return "usb-generic" if self.devices else "ip-generic"
        return next((_SENSORS[name, sensor] for sensor in sensors if (name, sensor) in _SENSORS), name)


def look(root: Path = ROOT) -> Board:
    """root: in place of "/", for recorded trees."""
    meminfo = dict(re.findall(r"^(\w+): +(\d+) kB$", _text(root / "proc/meminfo"), re.MULTILINE))
    return Board(
        model=_text(root / "proc/device-tree/model").rstrip("\0\n"),
        cpus=len(re.findall(r"^processor\s*:", _text(root / "proc/cpuinfo"), re.MULTILINE)),
        memory_mb=int(meminfo.get("MemTotal", 0)) >> 10,
        cma_mb=int(meminfo.get("CmaTotal", 0)) >> 10,
        zones=dict(_zones(root)),
        devices=list(_devices(root)),
    )


def temperature_c(zones: list[str], root: Path = ROOT) -> float | None:
    """Of the warmest of these zones, of all where none are named; None where no sensor tells."""
    known = dict(_zones(root))
    return max((degrees for name, degrees in known.items() if not zones or name in zones), default=None)


def _zones(root: Path) -> list[tuple[str, float]]:
    """A sensor that cannot be read now is left out: on a Jetson, those of what is switched off."""
    found = []
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        milli = _text(zone / "temp").strip()
        if re.fullmatch(r"-?\d+", milli):
            found.append((_text(zone / "type").strip() or zone.name, int(milli) / 1000))
    return found


def _devices(root: Path) -> list[Device]:
    links = {os.path.basename(os.readlink(link)): link for link in sorted((root / "dev/v4l/by-id").glob("*")) if link.is_symlink()}
    found = []
    for entry in sorted((root / "sys/class/video4linux").glob("video*"), key=lambda path: int(path.name.removeprefix("video") or 0)):
        stable = links.get(entry.name)
        place = "/" + str(stable.relative_to(root)) if stable else ""
        found.append(Device(f"/dev/{entry.name}", _text(entry / "name").strip(), place))
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
