"""Hardware profiles: hw/<name>.toml gives defaults for one board. Keys of node.toml win over them.

A profile has [board] name, tested, notes and, below [defaults], tables as in node.toml; [defaults.camera] holds for every camera.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from edge.config import toml
from edge.config.problems import ConfigProblems, Problem
from edge.config.shape import check_tables

_SECTIONS = {"camera", "ring", "watch", "clock", "hold", "health", "log"}


class Board(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the profile says of itself. tested: on the real thing, when and how; empty: never."""

    name: str
    tested: str = ""
    notes: str = ""


class _Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    board: Board
    defaults: dict[str, dict[str, Any]] = {}


def folder() -> Path:
    """Where profiles are: EDGE_HW_DIR, else hw/ of the source tree, else share/edge/hw of the installation."""
    if "EDGE_HW_DIR" in os.environ:
        return Path(os.environ["EDGE_HW_DIR"])
    source_tree = Path(__file__).resolve().parents[2] / "hw"
    return source_tree if source_tree.is_dir() else Path(sys.prefix) / "share" / "edge" / "hw"


def load(name: str) -> dict[str, dict[str, Any]]:
    """The defaults of profile `name`, by table. Raises ConfigProblems: unknown profile, or one that does not fit the model."""
    path = folder() / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder().glob("*.toml"))) or "none"
        raise ConfigProblems(str(path), [Problem("", f"there is no such hardware profile; known: {known}")])
    try:
        profile = msgspec.convert(toml.parse(toml.read_bytes(path), str(path)), _Profile)
    except msgspec.ValidationError as error:
        raise ConfigProblems(str(path), [Problem("", str(error))]) from error
    problems = [Problem(f"defaults.{key}", "a profile cannot set this table") for key in profile.defaults if key not in _SECTIONS]
    tables: dict[str, Any] = {key: [value] if key == "camera" else value for key, value in profile.defaults.items() if key in _SECTIONS}
    problems += check_tables(tables, partial=True)[1]
    if problems:
        raise ConfigProblems(str(path), problems)
    return profile.defaults
