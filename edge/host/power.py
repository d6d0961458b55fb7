"""Supply: the Raspberry Pi firmware's throttle word, under-voltage by hwmon, power drawn by INA3221 (Jetson).

The word's bits (Raspberry Pi documentation, vcgencmd get_throttled): 0 under-voltage, 1 frequency capped, 2 throttled, 3 soft
temperature limit; the same at 16-19 since boot.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from edge.host.sysfs import entries, read_int, read_text

_SYSFS_WORDS = ("sys/devices/platform/soc/soc:firmware/get_throttled", "sys/devices/platform/axi/soc:firmware/get_throttled")
_DEADLINE_S = 2.0


@dataclass(frozen=True, slots=True)
class Supply:
    """None where unknown. *_since_boot: it happened at some time in this boot."""

    under_voltage: bool | None = None
    throttled: bool | None = None
    under_voltage_since_boot: bool | None = None
    throttled_since_boot: bool | None = None
    power_w: float | None = None


def supply(root: Path = Path("/"), *, ask_firmware: bool = True) -> Supply:
    """One look; at most 2 s where vcgencmd has to be asked."""
    word = throttle_word(root, ask_firmware=ask_firmware)
    power_w = _power_w(root)
    if word is None:
        return Supply(under_voltage=_hwmon_under_voltage(root), power_w=power_w)
    return Supply(bool(word & 1), bool(word & 0b1110), bool(word >> 16 & 1), bool(word >> 16 & 0b1110), power_w)


def throttle_word(root: Path = Path("/"), *, ask_firmware: bool = True) -> int | None:
    """The firmware's word from sysfs, else from vcgencmd; None on other boards."""
    for name in _SYSFS_WORDS:
        text = read_text(root / name)
        if text is not None:
            return _hexadecimal(text)
    command = shutil.which("vcgencmd") if ask_firmware else None
    if command is None:
        return None
    try:
        answer = subprocess.run([command, "get_throttled"], capture_output=True, text=True, timeout=_DEADLINE_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return _hexadecimal(answer.strip().rpartition("=")[2])


def _hexadecimal(text: str) -> int | None:
    try:
        return int(text, 16)
    except ValueError:
        return None


def _hwmon_under_voltage(root: Path) -> bool | None:
    for chip in entries(root / "sys/class/hwmon", "hwmon*"):
        if read_text(chip / "name") == "rpi_volt":
            alarm = read_int(chip / "in0_lcrit_alarm")
            return None if alarm is None else bool(alarm)
    return None


def _power_w(root: Path) -> float | None:
    """Channel 1 of the INA3221 is the module's input on Jetson boards: mV x mA."""
    for chip in entries(root / "sys/class/hwmon", "hwmon*"):
        if read_text(chip / "name") == "ina3221":
            millivolts, milliamperes = read_int(chip / "in1_input"), read_int(chip / "curr1_input")
            if millivolts is not None and milliamperes is not None:
                return millivolts * milliamperes / 1e6
    return None
