"""Temperatures: thermal zones by type, hwmon by name (kernel docs, driver-api/thermal and hwmon/sysfs-interface)."""

from __future__ import annotations

from pathlib import Path

from edge.host.sysfs import entries, read_int, read_text

_CPU_ZONES = ("cpu-thermal", "cpu_thermal", "CPU-therm", "x86_pkg_temp", "soc-thermal", "tj-thermal")
_CPU_CHIPS = ("cpu_thermal", "coretemp", "k10temp")
_POSSIBLE_C = range(-60, 200)


def temperatures_c(root: Path = Path("/")) -> dict[str, float]:
    """Name -> degrees Celsius; of zones with the same name the hottest. Empty where the board tells nothing."""
    found: dict[str, float] = {}
    for zone in entries(root / "sys/class/thermal", "thermal_zone*"):
        _note(found, read_text(zone / "type") or zone.name, read_int(zone / "temp"))
    for chip in entries(root / "sys/class/hwmon", "hwmon*"):
        name = read_text(chip / "name") or chip.name
        for file in entries(chip, "temp*_input"):
            _note(found, name, read_int(file))
    return found


def cpu_temp_c(root: Path = Path("/")) -> float | None:
    """The processor's temperature, None where no zone of a known name exists."""
    found = temperatures_c(root)
    for name in (*_CPU_ZONES, *_CPU_CHIPS):
        if name in found:
            return found[name]
    return None


def _note(found: dict[str, float], name: str, millidegrees: int | None) -> None:
    if millidegrees is not None and millidegrees // 1000 in _POSSIBLE_C:
        found[name] = max(found.get(name, -273.0), millidegrees / 1000)
