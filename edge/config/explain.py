"""Every value in force, with the place it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from msgspec import inspect

from edge.config.keys import about, allowed_text, is_section, toml_text, unit_of
from edge.config.read import Loaded


@dataclass(frozen=True, slots=True)
class Value:
    """path: "camera[0].fps". value: as TOML. origin: "default", "hw/<name>.toml" or the file's name. allowed: "" where anything goes."""

    path: str
    value: str
    unit: str
    origin: str
    allowed: str
    about: str


def explain(loaded: Loaded, prefix: str = "") -> list[Value]:
    """All values below `prefix` ("camera[0]", "ring", "mqtt.host"; empty: all), in the model's order."""
    values = _values(loaded, loaded.config, "")
    return [value for value in values if not prefix or value.path == prefix or value.path.startswith((prefix + ".", prefix + "["))]


def _values(loaded: Loaded, struct: msgspec.Struct, prefix: str) -> Iterator[Value]:
    shape = inspect.type_info(type(struct))
    assert isinstance(shape, inspect.StructType)
    for field in shape.fields:
        path, value = prefix + field.name, getattr(struct, field.name)
        if not is_section(field.type):
            unit = unit_of(field.name)
            yield Value(path, toml_text(value), unit, _origin(loaded, path), allowed_text(field.type, unit), about(field.type))
        elif isinstance(value, list):
            for number, item in enumerate(value):
                yield from _values(loaded, item, f"{path}[{number}].")
        elif value is not None:
            yield from _values(loaded, value, path + ".")


def _origin(loaded: Loaded, path: str) -> str:
    """A table or an array that is itself a value (options, polygon) comes from where its parts come from."""
    if path in loaded.origins:
        return loaded.origins[path]
    return next((origin for key, origin in loaded.origins.items() if key.startswith((path + ".", path + "["))), "default")
