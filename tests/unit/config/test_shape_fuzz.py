from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config.keys import ROOT, toml_text
from edge.config.model import NodeConfig
from edge.config.problems import ConfigProblems
from edge.config.read import parse_config
from tests.support.nodefile import SMALLEST

PATH = Path("/x/node.toml")
KEYS = [
    "node",
    "camera",
    "ring",
    "mqtt",
    "upload",
    "retention",
    "id",
    "data",
    "source",
    "host",
    "url",
    "fps",
    "zone",
    "polygon",
    "name",
    "tls",
]
SCALARS = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.sampled_from(["cam0", "rtsp://h/x", "synthetic:"]),
)
TABLES = st.dictionaries(st.sampled_from(KEYS), st.deferred(lambda: VALUES), max_size=6)
VALUES: st.SearchStrategy[Any] = st.one_of(SCALARS, st.lists(st.deferred(lambda: VALUES), max_size=4), TABLES)


def outcome(data: bytes) -> NodeConfig | None:
    """A configuration, or ConfigProblems with words; any other exception fails the test."""
    refused = None
    try:
        return parse_config(data, PATH)[0]
    except ConfigProblems as error:
        refused = error
    assert refused.problems
    assert all(problem.text for problem in refused.problems)
    return None


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    assert outcome(data) is None


@given(st.text(max_size=200))
def test_any_text_behind_a_good_file_is_taken_or_refused_in_words(text: str) -> None:
    outcome((SMALLEST + "\n" + text).encode("utf-8", "surrogatepass"))


@settings(max_examples=300)
@given(TABLES)
def test_tables_of_any_shape_are_taken_or_refused_in_words(tables: dict[str, Any]) -> None:
    text = "\n".join(f"{key} = {toml_text(value)}" for key, value in tables.items())
    outcome(text.encode("utf-8", "surrogatepass"))


@given(st.sampled_from(["fps", "width", "stall_s", "bitrate_kbps", "gop_s"]), st.one_of(st.integers(), st.floats(), st.booleans()))
def test_a_number_is_taken_exactly_when_it_is_in_range(key: str, value: float) -> None:
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    taken = outcome((SMALLEST + f"{key} = {text}\n").encode())
    limits = _limits(key)
    whole = key in ("width", "bitrate_kbps")
    fits = not isinstance(value, bool) and (isinstance(value, int) or not whole) and limits[0] <= value <= limits[1]
    assert (taken is not None) == fits


def _limits(key: str) -> tuple[float, float]:
    return {"fps": (1, 60), "width": (160, 4096), "stall_s": (1, 30), "bitrate_kbps": (100, 50_000), "gop_s": (0.5, 2)}[key]


@pytest.mark.parametrize(
    "text", ["x=" + "[" * 100_000, "x=" + "{a=" * 10_000, "[" + "a." * 5_000 + "b]", "x = 1979-13-45", "x = 1" + "0" * 5000]
)
def test_hostile_toml_is_refused_in_words(text: str) -> None:
    assert outcome(text.encode()) is None


def test_the_model_is_read_as_a_table() -> None:
    assert type(ROOT).__name__ == "StructType"
