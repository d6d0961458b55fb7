"""The model read as data: every key with its type, unit, range and default. Checking, explaining and the docs all read this."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect

from edge.config.model import NodeConfig

_UNITS = {
    "_bytes": "bytes",
    "_kbps": "kbit/s",
    "_mb": "MB",
    "_percent": "%",
    "_days": "days",
    "_ms": "ms",
    "_s": "s",
    "_m": "m",
    "_h": "h",
    "_minutes": "min",
    "fps": "frames/s",
    "width": "pixels",
    "height": "pixels",
}
_EXACT_UNITS = {
    "days": "days",
    "rpi_key": "key number",
    "window": "messages",
    "jobs": "jobs",
    "queue_gops": "groups",
    "per_operator_and_hour": "commands",
    "streams": "clips",
    "max_per_hour": "episodes",
    "sessions": "sessions",
}


@dataclass(frozen=True, slots=True)
class Key:
    """path: "camera[].zone[].name". allowed: range or choices in words, "" where anything goes. default: None when required."""

    path: str
    type: str
    unit: str
    allowed: str
    default: str | None
    about: str


def unit_of(key: str) -> str:
    """The unit that a key's name carries, "" where it has none."""
    if key in _EXACT_UNITS:
        return _EXACT_UNITS[key]
    return next((unit for suffix, unit in _UNITS.items() if key.endswith(suffix)), "")


def bare(kind: inspect.Type) -> inspect.Type:
    """Without Metadata, and X for X | None (TOML has no null)."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        rest = [part for part in kind.types if not isinstance(part, inspect.NoneType)]
        if len(rest) == 1:
            return bare(rest[0])
    return kind


def extra_of(kind: inspect.Type) -> dict[str, Any]:
    """What the model's Meta(extra=...) says about a key."""
    return dict(kind.extra or {}) if isinstance(kind, inspect.Metadata) else {}


def number_text(value: float) -> str:
    """1048576 -> "1048576", 0.5 -> "0.5": no exponents, no trailing zeros."""
    return str(int(value)) if value == math.floor(value) else f"{value:g}"


def allowed_text(kind: inspect.Type, unit: str = "") -> str:
    """The allowed values in words, with the unit; "" where anything of the type goes."""
    extra = extra_of(kind)
    if "allowed" in extra:
        return str(extra["allowed"])
    shape = bare(kind)
    if isinstance(shape, (inspect.IntType, inspect.FloatType)):
        return " ".join(part for part in (_range_text(shape), unit) if part)
    if isinstance(shape, inspect.LiteralType):
        return "one of " + ", ".join(str(value) for value in shape.values)
    if isinstance(shape, (inspect.StrType, inspect.ListType)):
        return _length_text(shape)
    return ""


def _range_text(shape: inspect.IntType | inspect.FloatType) -> str:
    if shape.ge is not None and shape.le is not None:
        return f"{number_text(shape.ge)} to {number_text(shape.le)}"
    limits = (("at least", shape.ge), ("more than", shape.gt), ("at most", shape.le), ("less than", shape.lt))
    return ", ".join(f"{words} {number_text(limit)}" for words, limit in limits if limit is not None)


def _length_text(shape: inspect.StrType | inspect.ListType) -> str:
    if isinstance(shape, inspect.StrType):
        return "not empty" if shape.min_length else ""
    if shape.max_length is None:
        return ""
    return f"{shape.min_length or 0} to {shape.max_length} entries"


def type_text(kind: inspect.Type) -> str:
    """The TOML word for a type."""
    shape = bare(kind)
    if extra_of(kind).get("path"):
        return "path"
    if isinstance(shape, inspect.TupleType):
        return "[" + ", ".join(type_text(part) for part in shape.item_types) + "]"
    if isinstance(shape, inspect.ListType):
        return "array of " + type_text(shape.item_type)
    return _WORDS.get(type(shape), "value")


_WORDS: dict[type[inspect.Type], str] = {
    inspect.StrType: "text",
    inspect.IntType: "whole number",
    inspect.FloatType: "number",
    inspect.BoolType: "true/false",
    inspect.LiteralType: "text",
    inspect.DictType: "table",
    inspect.StructType: "table",
}

ROOT = inspect.type_info(NodeConfig)


def sections() -> Iterator[tuple[str, inspect.StructType, bool]]:
    """Every table: ("camera[].zone[]", type, whether it may be left out), in the model's order."""
    assert isinstance(ROOT, inspect.StructType)
    yield from _sections(ROOT, "")


def _sections(struct: inspect.StructType, prefix: str) -> Iterator[tuple[str, inspect.StructType, bool]]:
    for field in struct.fields:
        shape, path = bare(field.type), prefix + field.name
        if isinstance(shape, inspect.ListType):
            shape, path = bare(shape.item_type), path + "[]"
        if isinstance(shape, inspect.StructType):
            yield path, shape, not field.required
            yield from _sections(shape, path + ".")


def keys_of(struct: inspect.StructType, section: str) -> list[Key]:
    """The plain keys of one table (its sub-tables are sections of their own)."""
    return [_key(field, f"{section}.{field.name}") for field in struct.fields if not is_section(field.type)]


def is_section(kind: inspect.Type) -> bool:
    shape = bare(kind)
    if isinstance(shape, inspect.ListType):
        shape = bare(shape.item_type)
    return isinstance(shape, inspect.StructType)


def _key(field: inspect.Field, path: str) -> Key:
    unit = unit_of(field.name)
    return Key(path, type_text(field.type), unit, allowed_text(field.type, unit), default_text(field), about(field.type))


def default_text(field: inspect.Field) -> str | None:
    """As one would write it in TOML; None when the key is required."""
    if field.required:
        return None
    value = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return toml_text(value)


def toml_text(value: Any) -> str:
    """A value as TOML. Floats that are whole lose nothing: 60.0."""
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {toml_text(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml_text(item) for item in value) + "]"
    if isinstance(value, (bool, str)):
        return msgspec.json.encode(value).decode()
    return str(value)


def about(kind: inspect.Type) -> str:
    """The model's description of a key."""
    if isinstance(kind, inspect.Metadata):
        return str((kind.extra_json_schema or {}).get("description", ""))
    return ""
