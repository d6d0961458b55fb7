"""Tables against the model: types, ranges, unknown and missing keys. Everything wrong is found in one pass.

The result is the input without what was wrong, so that cross-checks can go on with what is right.
"""

from __future__ import annotations

import difflib
import math
import re
from typing import Any

from msgspec import inspect

from edge.config.keys import ROOT, allowed_text, bare, extra_of, type_text, unit_of
from edge.config.problems import Problem

_GONE = object()
_INT_MAX = 2**63 - 1


def check_tables(tables: dict[str, Any], *, partial: bool = False) -> tuple[dict[str, Any], list[Problem]]:
    """Returns (tables without the wrong values, problems). partial: required keys may be missing (hardware profiles)."""
    checker = _Checker(partial)
    pruned = checker.value(tables, ROOT, "")
    return pruned, checker.found


class _Checker:
    def __init__(self, partial: bool) -> None:
        self._partial = partial
        self.found: list[Problem] = []

    def value(self, value: Any, kind: inspect.Type, path: str) -> Any:
        """The value, pruned; _GONE where nothing of it is right."""
        shape = bare(kind)
        if isinstance(shape, inspect.AnyType):
            return value
        if isinstance(shape, inspect.StructType):
            return self._struct(value, shape, path)
        if isinstance(shape, inspect.DictType):
            return value if isinstance(value, dict) else self._wrong(path, f"expected a table, not {_found(value)}")
        if isinstance(shape, inspect.ListType):
            return self._list(value, kind, shape, path)
        if isinstance(shape, inspect.TupleType):
            return self._tuple(value, shape, path)
        return self._leaf(value, kind, shape, path)

    def _wrong(self, path: str, text: str) -> Any:
        self.found.append(Problem(path, text))
        return _GONE

    def _struct(self, value: Any, shape: inspect.StructType, path: str) -> Any:
        if not isinstance(value, dict):
            return self._wrong(path, f"expected a table [{_plain(path)}], not {_found(value)}")
        fields = {field.name: field for field in shape.fields}
        kept = {}
        for key, item in value.items():
            here = f"{path}.{key}" if path else key
            if key not in fields:
                self._wrong(here, "unknown key" + _suggestion(key, list(fields)))
                continue
            pruned = self.value(item, fields[key].type, here)
            if pruned is not _GONE:
                kept[key] = pruned
        if not self._partial:
            for name, field in fields.items():
                if field.required and name not in value:
                    self._missing(name, field, path)
        return kept

    def _missing(self, name: str, field: inspect.Field, path: str) -> None:
        here = f"{path}.{name}" if path else name
        if isinstance(bare(field.type), inspect.ListType):
            self._wrong(here, f"is missing: write at least one [[{name}]] table" if not path else "is missing")
        elif isinstance(bare(field.type), inspect.StructType):
            self._wrong(here, f"the table [{name}] is missing")
        else:
            allowed = allowed_text(field.type, unit_of(name))
            self._wrong(here, f"is missing ({type_text(field.type)}{': ' + allowed if allowed else ''})")

    def _list(self, value: Any, kind: inspect.Type, shape: inspect.ListType, path: str) -> Any:
        of_tables = isinstance(bare(shape.item_type), inspect.StructType)
        if not isinstance(value, list):
            wanted = f"an array of tables: write [[{_plain(path)}]]" if of_tables else f"an {type_text(kind)}"
            return self._wrong(path, f"expected {wanted}, not {_found(value)}")
        items = [self.value(item, shape.item_type, f"{path}[{number}]") for number, item in enumerate(value)]
        count = len(value)
        if count < (shape.min_length or 0) or (shape.max_length is not None and count > shape.max_length):
            return self._wrong(path, f"has {count} entries; allowed {allowed_text(kind)}")
        if not of_tables and _GONE in items:
            return _GONE
        return [{} if item is _GONE else item for item in items]

    def _tuple(self, value: Any, shape: inspect.TupleType, path: str) -> Any:
        if not isinstance(value, list) or len(value) != len(shape.item_types):
            return self._wrong(path, f"expected {type_text(shape)}, not {_found(value)}")
        parts = zip(value, shape.item_types, strict=True)
        items = [self.value(item, part, f"{path}[{number}]") for number, (item, part) in enumerate(parts)]
        return _GONE if _GONE in items else items

    def _leaf(self, value: Any, kind: inspect.Type, shape: inspect.Type, path: str) -> Any:
        text = _leaf_fault(value, shape)
        if text is None:
            return value
        allowed = allowed_text(kind, unit_of(_key(path)))
        if text == "":
            noun = "a path (text)" if extra_of(kind).get("path") else _noun(type_text(shape))
            text = f"expected {noun}, not {_found(value)}"
        return self._wrong(path, f"{text}; allowed {allowed}" if allowed else text)


def _leaf_fault(value: Any, shape: inspect.Type) -> str | None:
    """None: fine. "": the wrong type. Otherwise what is wrong with the value."""
    if isinstance(shape, inspect.BoolType):
        return None if isinstance(value, bool) else ""
    if isinstance(shape, (inspect.IntType, inspect.FloatType)):
        return _number_fault(value, shape)
    if not isinstance(value, str):
        return ""
    if isinstance(shape, inspect.LiteralType):
        known = [str(word) for word in shape.values]
        return None if value in known else f"{_quoted(value)} is not known" + _suggestion(value, known)
    assert isinstance(shape, inspect.StrType)
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        return f"{_quoted(value)} has control characters in it"
    if len(value) < (shape.min_length or 0):
        return "is empty"
    if shape.pattern is not None and not re.search(shape.pattern, value):
        return f"{_quoted(value)} does not fit"
    return None


def _number_fault(value: Any, shape: inspect.IntType | inspect.FloatType) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (isinstance(shape, inspect.IntType) and isinstance(value, float)):
        return ""
    if abs(value) > _INT_MAX or not math.isfinite(value):
        return f"{_number(value)} is out of range"
    low = (shape.ge is not None and value < shape.ge) or (shape.gt is not None and value <= shape.gt)
    high = (shape.le is not None and value > shape.le) or (shape.lt is not None and value >= shape.lt)
    return f"{value} is too {'small' if low else 'large'}" if low or high else None


def _suggestion(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def _found(value: Any) -> str:
    if isinstance(value, str):
        return f"the text {_quoted(value)}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {_number(value)}"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    return "a table" if isinstance(value, dict) else "a date or time"


def _number(value: float) -> str:
    """Python refuses to print integers of thousands of digits, which TOML can write in hexadecimal."""
    return _short(str(value)) if -_INT_MAX <= value <= _INT_MAX else "a number beyond 64 bits"


def _noun(word: str) -> str:
    return word if word == "true/false" or word == "text" else f"a {word}"


def _quoted(text: str) -> str:
    return ascii(_short(text)) if not text.isprintable() else f'"{_short(text)}"'


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _plain(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path)


def _key(path: str) -> str:
    return re.sub(r"\[\d+\]$", "", path).rsplit(".", 1)[-1]
