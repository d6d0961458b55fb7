"""The one table of topics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.link import topics
from edge.link.topics import ACK, COMMAND, CONFIG_DESIRED, CONFIG_REPORTED, EVENT, MOTION, STATUS, TOPICS, address, is_level, parse, pattern

LEVEL = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z")


@given(LEVEL, LEVEL, st.sampled_from(TOPICS), LEVEL)
def test_every_address_parses_back_to_what_made_it(org: str, node: str, topic: topics.Topic, part: str) -> None:
    text = address(org, node, topic, part)
    found = parse(org, text)
    assert found is not None
    assert (found.node, found.topic, found.part) == (node, topic, part if "{" in topic.name else "")


@pytest.mark.parametrize(
    "text",
    [
        *("", "town", "town/v1", "town/v1/n", "town/v2/n/status", "city/v1/n/status", "town/v1//status", "town/v1/n/motion/"),
        *("town/v1/n/motion/a/b", "town/v1/n/cmd/+", "town/v1/../status", "town/v1/n/nothing", "town/v1/n/status/x"),
    ],
)
def test_anything_else_is_no_topic_of_ours(text: str) -> None:
    assert parse("town", text) is None


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "+", "#", "a b", "ä", "-a", "x" * 64, "a\n"])
def test_a_level_is_also_a_safe_file_name(text: str) -> None:
    assert not is_level(text)


def test_an_address_refuses_a_part_that_is_no_level() -> None:
    with pytest.raises(ValueError, match="level"):
        address("town", "n", MOTION, "a/#")


def test_two_topics_with_the_same_first_level_are_two() -> None:
    found = [parse("town", f"town/v1/n/config/{word}") for word in ("desired", "reported", "other")]
    assert [place and place.topic for place in found] == [CONFIG_DESIRED, CONFIG_REPORTED, None]


def test_patterns_for_subscriptions() -> None:
    assert pattern("town", "+", EVENT) == "town/v1/+/event"
    assert pattern("town", "pole", COMMAND) == "town/v1/pole/cmd/+"


def test_commands_and_records_are_never_retained_and_properties_always() -> None:
    assert [topic.name for topic in TOPICS if topic.retain] == [
        "status",
        "info",
        "health",
        "motion/{camera}",
        "alarm/{code}",
        "checkpoint",
        "config/reported",
        "ack",
        "config/desired",
    ]
    assert (STATUS.retain, ACK.retain, EVENT.retain, COMMAND.retain) == (True, True, False, False)
    assert COMMAND.expiry_s is not None
