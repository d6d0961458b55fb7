"""The reference pages say what the product does now."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from edge.cli.main import COMMANDS
from edge.config.keys import keys_of, sections
from edge.link.topics import TOPICS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sorted(generator().PAGES))
def test_a_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == generator().PAGES[name](), "run `make docs`"


def test_every_key_every_command_and_every_topic_has_its_place() -> None:
    configuration = (DOCS / "configuration.md").read_text("utf-8")
    for section, struct, _optional in sections():
        assert f"[{section.replace('[]', '')}]" in configuration
        assert all(f"| `{key.path.rsplit('.', 1)[-1]}` |" in configuration for key in keys_of(struct, section))
    commands = (DOCS / "command-line.md").read_text("utf-8")
    assert all(f"### edge {name}\n" in commands for name in COMMANDS)
    mqtt = (DOCS / "mqtt.md").read_text("utf-8")
    assert all(f"| `{topic.name}` |" in mqtt for topic in TOPICS)


def test_every_thread_has_its_row() -> None:
    started = re.compile(r"(?:\bThread\(.*?name=|ServiceThread\(|Pump\()f?\"([a-z-]+)")
    names = {name for path in (DOCS.parent / "edge").rglob("*.py") for name in started.findall(path.read_text("utf-8"))}
    threads = (DOCS / "threads.md").read_text("utf-8")
    assert {"link", "clips", "write-"} <= names
    assert {name for name in names if f"`{name}" not in threads} == set()
