"""A configuration fit to be shown to somebody far away: values as they stand in the file, no comments, and nothing that may be a secret.

Secrets are in files of their own, whose paths are shown and whose contents nobody reads here. What slipped in elsewhere is masked: a word
in an adapter's options that is named like one, and what stands in an address beside host, port and path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from edge.config import toml
from edge.config.explain import explain
from edge.config.keys import toml_text
from edge.config.read import Loaded

MASKED = "***"
_SECRET_NAME = re.compile(r"pass|secret|token|pin|key|user|auth|cred|pwd", re.IGNORECASE)
_QUERY = re.compile(r"(?<=[?#])[^\s\"]+")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def document(loaded: Loaded) -> str:
    """As TOML, comments left out. Where nothing was masked it means the same as the file."""
    return "\n".join(_tables(_masked(toml.parse(loaded.data, loaded.path.name)), "")) + "\n"


def origins(loaded: Loaded) -> dict[str, list[str]]:
    """Key path -> [value as TOML, where it comes from], of every value in force that is not a default."""
    values = [value for value in explain(loaded) if value.origin != "default"]
    return {value.path: [MASKED if value.path.endswith(".options") else _address(value.value), value.origin] for value in values}


def _masked(value: Any, name: str = "", *, loose: bool = False) -> Any:
    """loose: inside options, where names are not the model's."""
    if isinstance(value, dict):
        return {key: _masked(item, key, loose=loose or name == "options") for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, name, loose=loose) for item in value]
    if loose and _SECRET_NAME.search(name):
        return MASKED
    return _address(value) if isinstance(value, str) else value


def _address(text: str) -> str:
    """User and password in one are refused at the start."""
    return _QUERY.sub(MASKED, text) if "://" in text else text


def _tables(table: dict[str, Any], prefix: str) -> Iterator[str]:
    """Plain keys first, then tables and arrays of tables: whatever follows a header belongs to it."""
    nested = {key: value for key, value in table.items() if _is_table(value) or _is_array(value)}
    yield from (f"{_key(key)} = {toml_text(value)}" for key, value in table.items() if key not in nested)
    for key, value in nested.items():
        where = f"{prefix}.{_key(key)}" if prefix else _key(key)
        for each in [value] if _is_table(value) else value:
            yield f"\n[{where}]" if _is_table(value) else f"\n[[{where}]]"
            yield from _tables(each, where)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_array(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else toml_text(name)
