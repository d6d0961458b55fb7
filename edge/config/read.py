"""node.toml -> NodeConfig. Layers: the model's defaults, the hardware profile, the file; each value remembers where it came from."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from edge.config import hardware, toml
from edge.config.cross import check_cross
from edge.config.model import NodeConfig
from edge.config.paths import with_absolute_paths
from edge.config.problems import ConfigProblems, Problem
from edge.config.shape import check_tables
from edge.config.uncovered import uncovered_cameras
from edge.errors import ConfigError
from edge.messages.evidence import ConfigFault

SEARCHED = (Path("node.toml"), Path("/etc/edge/node.toml"))
DEFAULT_HW = "desk"
_ERRORS_TOLD, _ERROR_CHARS = 40, 200
"""Of a file that cannot be used, in a journal record of at most 32 KiB."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration in force.

    path: the file asked for (absolute). sha256: of the bytes in force. fault: set when the file asked for cannot be used and the last
    good copy is in force: put it into the journal. origins: key path -> file its value comes from; a path not in it has its default.
    data: the bytes in force. uncovered: cameras that must not be recorded, because the file asked for hides what the copy in force shows.
    """

    config: NodeConfig
    path: Path
    sha256: str
    fault: ConfigFault | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    data: bytes = b""
    uncovered: frozenset[str] = frozenset()


def locate(given: str | Path | None = None) -> Path:
    """The configuration file: the one given, else ./node.toml, else /etc/edge/node.toml. Raises ConfigError when there is none."""
    if given is not None:
        return Path(given)
    for path in SEARCHED:
        if path.exists() or last_good_path(path).exists():
            return path
    raise ConfigError("there is no configuration: neither ./node.toml nor /etc/edge/node.toml", remedy="write one or name it with --config")


def last_good_path(path: Path) -> Path:
    """Where lastgood.py keeps the copy."""
    return path.with_name(path.name + ".last-good")


def load_config(path: Path) -> Loaded:
    """What recording starts from: the file, or else the last good copy beside it with `fault` set.

    Raises ConfigProblems (exit 78) when neither can be used.
    """
    try:
        return read_config(path)
    except ConfigProblems as error:
        broken = error
    try:
        last = read_config(path, stored_as=last_good_path(path))
    except ConfigProblems:
        raise broken from None
    uncovered = frozenset(uncovered_cameras(_bytes(path), last.config))
    fault = ConfigFault(path=str(last.path), errors=_told(broken.problems), in_force_sha256=last.sha256)
    return Loaded(last.config, last.path, last.sha256, fault, last.origins, last.data, uncovered)


def _bytes(path: Path) -> bytes:
    """Of a file that cannot be used; empty where it cannot even be read."""
    try:
        return toml.read_bytes(path)
    except ConfigProblems:
        return b""


def _told(problems: Sequence[Problem]) -> list[str]:
    """As much as fits into a journal record: a file that is all errors must not keep anything from recording."""
    told = [str(problem)[:_ERROR_CHARS] for problem in problems[:_ERRORS_TOLD]]
    return told if len(problems) <= _ERRORS_TOLD else [*told, f"and {len(problems) - _ERRORS_TOLD} more"]


def read_config(path: Path, *, stored_as: Path | None = None) -> Loaded:
    """The file itself, strictly. stored_as: read these bytes instead, as if they stood at `path`. Raises ConfigProblems with all errors."""
    path = path.absolute()
    data = toml.read_bytes(stored_as or path)
    config, origins = parse_config(data, path)
    return Loaded(config, path, hashlib.sha256(data).hexdigest(), None, origins, data)


def parse_config(data: bytes, path: Path) -> tuple[NodeConfig, dict[str, str]]:
    """(configuration with absolute paths, origins) from the bytes of a file that stands at `path`. Raises ConfigProblems."""
    written = toml.parse(data, str(path))
    defaults: dict[str, str] = {}
    unusable: list[Problem] = []
    try:
        _add_profile(written, defaults)
    except ConfigProblems as error:
        unusable = [Problem("node.hw", str(error))]
    tables, problems = check_tables(written)
    problems += unusable + check_cross(tables)
    origins = {key: defaults.get(key, path.name) for key in _leaves(tables, "")}
    if problems:
        raise ConfigProblems(str(path), problems)
    try:
        config = msgspec.convert(tables, NodeConfig)
    except msgspec.ValidationError as error:
        raise ConfigProblems(str(path), [Problem("", str(error))]) from error
    return with_absolute_paths(config, path.parent), origins


def _add_profile(tables: dict[str, Any], origins: dict[str, str]) -> None:
    """tables: as they were written; what has the wrong type is left for the check that follows."""
    node = tables.get("node")
    name = node.get("hw", DEFAULT_HW) if isinstance(node, dict) else DEFAULT_HW
    if not isinstance(name, str):
        return
    for section, defaults in hardware.load(name).items():
        places = tables.get("camera", []) if section == "camera" else [tables.setdefault(section, {})]
        for number, place in enumerate(places if isinstance(places, list) else []):
            if not isinstance(place, dict):
                continue
            where = f"camera[{number}]" if section == "camera" else section
            missing = {key: copy.deepcopy(value) for key, value in defaults.items() if key not in place}
            place.update(missing)
            origins.update({key: f"hw/{name}.toml" for key in _leaves(missing, where)})


def _leaves(value: Any, path: str) -> list[str]:
    """Key paths of all values that are not tables (nor arrays of tables)."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(item, f"{path}.{key}" if path else key)]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [leaf for number, item in enumerate(value) for leaf in _leaves(item, f"{path}[{number}]")]
    return [path]
