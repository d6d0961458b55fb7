"""What really goes over the wire, against the AsyncAPI document as it is shipped: topic, quality, retention, expiry, payload."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import jwt
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.link.topics import TOPICS
from edge.messages.records import AlarmRaised, Episode
from tests.support.agents import CAMERA, NODE, Town, writer_of
from tests.support.identities import Town as Authority
from tests.support.stage import Stage, raised

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "asyncapi.json").read_text("utf-8"))
QUIET_S = 1.0


@dataclass(frozen=True)
class Seen:
    topic: str
    qos: int
    retain: bool
    expiry_s: int | None
    correlation: bytes | None
    payload: bytes


class Listener:
    """Hears everything on the broker, as it was published."""

    def __init__(self, port: int) -> None:
        self._heard: queue.Queue[Seen] = queue.Queue()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.on_message = lambda _client, _data, message: self._heard.put(_seen(message))
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("#", options=SubscribeOptions(qos=1, retainAsPublished=True))
        self._client.loop_start()

    def end(self) -> list[Seen]:
        """All that was heard, once nothing more comes."""
        found: list[Seen] = []
        while True:
            try:
                found.append(self._heard.get(timeout=QUIET_S))
            except queue.Empty:
                break
        self._client.disconnect()
        self._client.loop_stop()
        return found


def _seen(message: paho.MQTTMessage) -> Seen:
    properties = message.properties
    return Seen(
        message.topic,
        message.qos,
        message.retain,
        getattr(properties, "MessageExpiryInterval", None),
        getattr(properties, "CorrelationData", None),
        bytes(message.payload),
    )


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Seen]]:
    """Of a node's whole day: birth, motion, an alarm, a clip, a look, a hold, a refusal, a rejected configuration, a word to all."""
    folder = tmp_path_factory.mktemp("wire")
    with raised(folder) as stage:
        listener = Listener(stage.broker.port)
        receiver = stage.receiver()
        seal = stage.seal(Authority())
        with stage.town() as town, stage.agent(sections=seal) as agent:
            town.until_online()
            _day(stage, town)
            assert agent.stop() == 0
        receiver.stop()
        yield listener.end()


def _day(stage: Stage, town: Town) -> None:
    watcher = writer_of(stage.folder / "node" / "data", "watcher")
    since = stage.utc(3)
    watcher.append(
        Episode(id="m1", state="start", since=since, until=None, since_mono_ms=1, until_mono_ms=None, score=0.7, zones=["gate"]), CAMERA
    )
    watcher.append(AlarmRaised(code="lens_covered", active=True, severity="warning", text="covered", todo="send a crew"), CAMERA)
    watcher.close()
    who = {"operator": "a.nowak", "case": "RSOW 12/26"}
    assert stage.ask(town, 2, 8).wait(30) is not None
    assert town.centre.snapshot(NODE, CAMERA, at=stage.utc(5), **who).wait_picture(30) is not None
    for asked in (
        town.centre.timeline(NODE, CAMERA, stage.utc(0), stage.utc(9), **who),
        town.centre.hold(NODE, CAMERA, stage.utc(4), stage.utc(6), review="2027-01-01", **who),
        town.centre.command(NODE, "dance", {}, operator="a.nowak"),
    ):
        assert asked.wait(30) is not None
    town.centre.desire(NODE, "[watch]\nend_s = 7\n", 1, operator="a.nowak")
    assert town.centre.wait_config(NODE, 1, 30) is not None
    assert town.centre.ask_all("identify", {}, operator="a.nowak").wait([NODE], 30)
    town.until(lambda: any(event.record.type == "alarm" for event in town.events), "the alarm")


def channel_of(topic: str) -> str:
    """The one channel whose address fits. Fails for a topic that the document does not know."""
    levels = topic.split("/")
    fits = [
        name
        for name, channel in DOCUMENT["channels"].items()
        if len(wanted := channel["address"].split("/")) == len(levels)
        and all(want.startswith("{") or want == got for want, got in zip(wanted, levels, strict=True))
    ]
    assert len(fits) == 1, topic
    return str(fits[0])


def claims_or_document(seen: Seen, content_type: str) -> Any:
    if content_type == "application/jose":
        return jwt.decode(seen.payload, options={"verify_signature": False, "verify_aud": False, "verify_exp": False, "verify_iat": False})
    return json.loads(seen.payload)


def test_every_message_is_as_the_document_says(heard: list[Seen]) -> None:
    for seen in heard:
        name = channel_of(seen.topic)
        binding = DOCUMENT["operations"][name]["bindings"]["mqtt"]
        assert (seen.qos, seen.retain) == (binding["qos"], binding["retain"]), seen.topic
        longest_s = binding.get("messageExpiryInterval")
        if longest_s is not None:
            assert seen.expiry_s is not None, seen.topic
            assert 0 < seen.expiry_s <= longest_s, seen.topic
        message = DOCUMENT["components"]["messages"][name]
        if "payload" not in message:
            assert message["contentType"] == "image/jpeg"
            assert seen.payload.startswith(b"\xff\xd8")
            continue
        schema = {**message["payload"]["schema"], "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(schema).validate(claims_or_document(seen, message["contentType"]))


def test_a_day_shows_every_channel_but_those_of_outages(heard: list[Seen]) -> None:
    assert {channel_of(seen.topic) for seen in heard} == set(DOCUMENT["channels"]) - {"gap", "history"}


def test_answers_carry_the_correlation_of_their_command(heard: list[Seen]) -> None:
    asked = {seen.correlation for seen in heard if channel_of(seen.topic) == "cmd"}
    answered = {seen.correlation for seen in heard if channel_of(seen.topic) == "resp"}
    assert None not in asked
    assert asked == answered


def test_each_topic_has_a_channel_of_its_own() -> None:
    assert len(DOCUMENT["channels"]) == len(DOCUMENT["operations"]) == len(DOCUMENT["components"]["messages"]) == len(TOPICS)


def test_the_schemas_are_sound_and_every_reference_leads_somewhere() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema.get("additionalProperties") is not False, f"{name}: readers ignore fields they do not know"
    for reference in _references(DOCUMENT):
        place: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
