"""Messages, records and files as version 1 wrote them stay readable: tests/golden/v1 is never rewritten, only added to.

Each golden file is a real one, taken from a node's day. Whoever changes a struct so that one of these no longer reads has made version 2.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.command.ledger import Entry
from edge.link.asyncapi import key
from edge.link.topics import TOPICS
from edge.messages import evidence, records
from edge.messages.clip import ClipRequest, JobProgress
from edge.messages.hold import Hold
from edge.messages.wire import Event
from edge.upload.budget import Spent
from edge.upload.jobs import Final, Memory
from edge.upload.terms import Cancellation, Terms

GOLDEN = Path(__file__).parents[1] / "golden" / "v1"
FILES: dict[str, type[msgspec.Struct]] = {
    "command": Entry,
    "hold": Hold,
    "job-request": ClipRequest,
    "job-progress": JobProgress,
    "job-final": Final,
    "job-upload": Memory,
    "job-terms": Terms,
    "job-cancel": Cancellation,
    "uploaded": Spent,
}
FACTS: dict[str, type[msgspec.Struct]] = {
    "alarm": records.AlarmRaised,
    "boot": records.Boot,
    "checkpoint": evidence.Checkpoint,
    "clip": records.ClipDone,
    "command": records.Command,
    "episode": records.Episode,
    "export": evidence.Exported,
    "hold": records.HoldAdded,
    "key": evidence.KeyNews,
    "segment": records.Segment,
    "stop": records.Stop,
    "view": evidence.Viewed,
}
MESSAGES = {key(topic): topic.payload for topic in TOPICS if topic.payload is not None}
RARE = {"gap", "history"}
"""Of outages: not in a node's day."""


def reads(shape: type[msgspec.Struct], golden: dict[str, Any]) -> None:
    """Every value that stands in the file is in what was read, and what is not known is passed over."""
    decoded = msgspec.to_builtins(msgspec.json.decode(json.dumps(later(golden)), type=shape))
    assert stands_in(golden, decoded)


def later(value: Any) -> Any:
    """The same as a later version might write it: with a field more, at every depth."""
    if isinstance(value, dict):
        return {name: later(each) for name, each in value.items()} | (
            {"x_later": [1, {"y": None}]} if "v" in value or "id" in value else {}
        )
    return [later(each) for each in value] if isinstance(value, list) else value


def stands_in(golden: Any, decoded: Any) -> bool:
    """All that is golden is there; fields that came since may stand beside it."""
    if isinstance(golden, dict):
        return isinstance(decoded, dict) and all(name in decoded and stands_in(each, decoded[name]) for name, each in golden.items())
    if isinstance(golden, list):
        return len(golden) == len(decoded) and all(stands_in(*pair) for pair in zip(golden, decoded, strict=True))
    return bool(golden == decoded)


def golden(folder: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / folder / f"{name}.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", sorted(set(MESSAGES) - RARE))
def test_a_message_of_version_1_reads(name: str) -> None:
    if name == "event":
        event = golden("messages", name)
        decoded = msgspec.json.decode(json.dumps(event), type=Event)
        assert json.loads(bytes(decoded.record)) == event["record"]
        return
    reads(MESSAGES[name], golden("messages", name))


@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_record_of_version_1_reads(name: str) -> None:
    line = golden("records", name)
    record = msgspec.json.decode(json.dumps(line), type=records.Record)
    assert (record.type, record.seq, record.t) == (line["type"], line["seq"], line["t"])
    facts = msgspec.to_builtins(records.facts_of(record, FACTS[name]))
    assert stands_in(line["facts"], facts)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_of_version_1_reads(name: str) -> None:
    reads(FILES[name], golden("files", name))


def test_nothing_golden_is_left_unread() -> None:
    there = {str(path.relative_to(GOLDEN).with_suffix("")) for path in GOLDEN.rglob("*.json")}
    read = (
        {f"messages/{name}" for name in set(MESSAGES) - RARE} | {f"records/{name}" for name in FACTS} | {f"files/{name}" for name in FILES}
    )
    assert there == read
