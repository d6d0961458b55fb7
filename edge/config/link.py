"""The [mqtt] table of any TOML file: what a centre needs to know of its broker. A node.toml serves as well; other tables are ignored."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.config import toml
from edge.config.cross import check_cross
from edge.config.model import Mqtt
from edge.config.paths import absolute_paths
from edge.config.problems import ConfigProblems, Problem
from edge.config.shape import check_tables


def read_mqtt(path: Path) -> Mqtt:
    """With absolute paths. Raises ConfigProblems with every error of the table."""
    path = path.absolute()
    tables = toml.parse(toml.read_bytes(path), str(path))
    if "mqtt" not in tables:
        raise ConfigProblems(str(path), [Problem("mqtt", "the table [mqtt] is missing: host, port, org, ca ...")])
    pruned, problems = check_tables({"mqtt": tables["mqtt"]}, partial=True)
    problems += check_cross(pruned)
    if problems:
        raise ConfigProblems(str(path), problems)
    try:
        mqtt = msgspec.convert(pruned["mqtt"], Mqtt)
    except msgspec.ValidationError as error:
        raise ConfigProblems(str(path), [Problem("mqtt", str(error))]) from error
    return absolute_paths(mqtt, path.parent)
