"""Reading an adapter's own options ([camera.options]): checked, with words that say what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from edge.errors import ConfigError


def only(options: Mapping[str, Any], known: Iterable[str], adapter: str) -> None:
    """Raises ConfigError for a name the adapter does not know: a misspelt option must not be silently without effect."""
    names = sorted(known)
    for name in options:
        if name not in names:
            raise ConfigError(f"option {name!r} is unknown to a {adapter} camera", remedy=f"known: {', '.join(names)}")


def number(options: Mapping[str, Any], name: str, default: float, lowest: float, highest: float) -> float:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
        raise ConfigError(f"option {name} is {value!r}", remedy=f"use a number from {lowest:g} to {highest:g}")
    return float(value)


def boolean(options: Mapping[str, Any], name: str, default: bool) -> bool:
    value = options.get(name, default)
    if not isinstance(value, bool):
        raise ConfigError(f"option {name} is {value!r}", remedy="use true or false")
    return value


def text(options: Mapping[str, Any], name: str, default: str, allowed: Iterable[str] | None = None) -> str:
    """A value out of `allowed` is not repeated in the error: it may be a secret where anything is allowed."""
    value = options.get(name, default)
    if not isinstance(value, str):
        raise ConfigError(f"option {name} is not a text")
    if allowed is not None and value not in (words := list(allowed)):
        raise ConfigError(f"option {name} is {value!r}", remedy=f"use one of: {', '.join(words)}")
    return value
