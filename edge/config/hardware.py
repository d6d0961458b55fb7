"""Hardware profiles: hw/<name>.toml gives defaults for one board. Keys of node.toml win over them.

A profile has [board], [storage], [watchdog], [thermal], [power] and, below [defaults], tables as in node.toml; [defaults.camera] holds for
every camera.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec

from edge.config import toml
from edge.config.problems import ConfigProblems, Problem
from edge.config.shape import check_tables

_SECTIONS = {"camera", "ring", "watch", "clock", "hold", "health", "log"}


class Board(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the profile says of itself. tested: on the real thing, when and how; empty: never. config_lines: for a Raspberry Pi's
    config.txt."""

    name: str
    tested: str = ""
    notes: str = ""
    config_lines: list[str] = []


class Watchdog(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The machine's own watchdog. module: of the kernel; empty: none is known. timeout_s: it can be asked for."""

    module: str = ""
    timeout_s: int = 0


class Thermal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Degrees Celsius of the warmest of `zones` (types of /sys/class/thermal) from which a camera is slowed, made smaller, and at which the
    board throttles by itself. No zones: all of them."""

    zones: list[str] = []
    slow_c: float = 80.0
    slower_c: float = 88.0
    critical_c: float = 95.0


class Power(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Watts of board, camera and storage together, by the makers' figures. supply: what it wants."""

    typical_w: float
    peak_w: float
    supply: str


class Storage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the data partition lies on. rated_tb: terabytes that may be written to it in its life, by makers of such media."""

    medium: Literal["sd", "emmc", "ssd", "nvme"]
    size_gb: float
    rated_tb: float
    advice: str = ""


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of hw/."""

    board: Board
    storage: Storage | None = None
    watchdog: Watchdog = Watchdog()
    thermal: Thermal = Thermal()
    power: Power | None = None
    defaults: dict[str, dict[str, Any]] = {}


def folder() -> Path:
    """Where profiles are: EDGE_HW_DIR, else hw/ of the source tree, else share/edge/hw of the installation."""
    if "EDGE_HW_DIR" in os.environ:
        return Path(os.environ["EDGE_HW_DIR"])
    source_tree = Path(__file__).resolve().parents[2] / "hw"
    return source_tree if source_tree.is_dir() else Path(sys.prefix) / "share" / "edge" / "hw"


def names() -> list[str]:
    return sorted(file.stem for file in folder().glob("*.toml"))


def load(name: str) -> dict[str, dict[str, Any]]:
    """The defaults of profile `name`, by table. Raises ConfigProblems: unknown profile, or one that does not fit the model."""
    return profile(name).defaults


def profile(name: str) -> Profile:
    """As `load`, all of it."""
    path = folder() / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(names()) or "none"
        raise ConfigProblems(str(path), [Problem("", f"there is no such hardware profile; known: {known}")])
    try:
        found = msgspec.convert(toml.parse(toml.read_bytes(path), str(path)), Profile)
    except msgspec.ValidationError as error:
        raise ConfigProblems(str(path), [Problem("", str(error))]) from error
    problems = [Problem(f"defaults.{key}", "a profile cannot set this table") for key in found.defaults if key not in _SECTIONS]
    tables: dict[str, Any] = {key: [value] if key == "camera" else value for key, value in found.defaults.items() if key in _SECTIONS}
    problems += check_tables(tables, partial=True)[1]
    if problems:
        raise ConfigProblems(str(path), problems)
    return found
