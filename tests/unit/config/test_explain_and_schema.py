from __future__ import annotations

from pathlib import Path

from edge.config.explain import explain
from edge.config.keys import keys_of, sections
from edge.config.read import read_config
from edge.config.schema import json_schema
from tests.support.nodefile import write_config


def test_every_value_in_force_is_explained_with_its_origin(tmp_path: Path) -> None:
    loaded = read_config(write_config(tmp_path, more="fps = 12\n[camera.options]\nseed = 7\n"))
    values = {value.path: value for value in explain(loaded)}
    assert values["camera[0].fps"].origin == "node.toml"
    assert values["camera[0].fps"].allowed == "1 to 60 frames/s"
    assert values["camera[0].options"].origin == "node.toml"
    assert values["camera[0].options"].value == "{ seed = 7 }"
    assert values["camera[0].encoder"].origin == "hw/desk.toml"
    assert (values["ring.segment_s"].value, values["ring.segment_s"].unit, values["ring.segment_s"].origin) == ("60.0", "s", "default")


def test_a_part_can_be_explained_alone(tmp_path: Path) -> None:
    loaded = read_config(write_config(tmp_path))
    assert {value.path.split(".")[0] for value in explain(loaded, "camera")} == {"camera[0]"}
    assert [value.path for value in explain(loaded, "ring.sync")] == ["ring.sync"]
    assert explain(loaded, "rin") == []


def test_every_key_of_the_model_says_what_it_is_for() -> None:
    silent = [key.path for section, struct, _ in sections() for key in keys_of(struct, section) if not key.about]
    assert silent == []


def test_every_number_but_plain_factors_carries_a_unit() -> None:
    factors = {"camera[].sensitivity", "camera[].sensitivity_night", "camera[].zone[].sensitivity", "mqtt.port", "serve.port"}
    bare = {key.path for section, struct, _ in sections() for key in keys_of(struct, section) if "number" in key.type and not key.unit}
    assert bare - factors == {"camera[].zone[].polygon", "camera[].masks"}


def test_the_schema_speaks_2020_12_and_forbids_unknown_keys() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$ref"] == "#/$defs/NodeConfig"
    ring = schema["$defs"]["Ring"]
    assert ring["additionalProperties"] is False
    assert (ring["properties"]["segment_s"]["minimum"], ring["properties"]["segment_s"]["maximum"]) == (2.0, 300.0)
