"""Every topic in one table. The node's base is `<org>/v1/<node>`; names below are relative to it, {} stands for one level.

Payloads are JSON (UTF-8) but for `cmd/{verb}` and `config/desired`, which are JWS in compact form. Readers ignore fields they do not know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from edge.messages.clip import JobProgress
from edge.messages.config import ConfigReported, DesiredConfig
from edge.messages.evidence import Checkpoint
from edge.messages.health import HealthDocument
from edge.messages.history import History
from edge.messages.wire import Ack, AlarmState, CommandClaims, Event, JournalGap, Motion, NodeInfo, Response, Status

Direction = Literal["node to centre", "centre to node"]


@dataclass(frozen=True, slots=True)
class Topic:
    """expiry_s: MQTT message expiry, None: never. payload: None where it is no JSON; of a JWS its
    claims."""

    name: str
    direction: Direction
    qos: int
    retain: bool
    expiry_s: int | None
    payload: type | None
    text: str
    media_type: str = "application/json"


STATUS = Topic("status", "node to centre", 1, True, None, Status, "online or offline; also the will")
INFO = Topic("info", "node to centre", 1, True, None, NodeInfo, "versions, cameras, place; changes with the configuration")
HEALTH = Topic(
    "health", "node to centre", 1, True, None, HealthDocument, "the health document, every health.interval_s; expires after three intervals"
)
MOTION = Topic("motion/{camera}", "node to centre", 1, True, None, Motion, "is there motion now: a property for dashboards")
ALARM = Topic("alarm/{code}", "node to centre", 1, True, None, AlarmState, "an alarm's present state")
EVENT = Topic("event", "node to centre", 1, False, None, Event, "one journal record, verbatim, in order per journal")
GAP = Topic("gap", "node to centre", 1, False, None, JournalGap, "records that will never come, and why; takes their place in the order")
CHECKPOINT = Topic(
    "checkpoint", "node to centre", 1, True, None, Checkpoint, "the newest record of every journal, signed: the centre keeps it as witness"
)
HISTORY = Topic(
    "history", "node to centre", 1, False, 604_800, History, "health while the link was down, 15 min to a message, after all journals"
)
RESPONSE = Topic("resp/{verb}", "node to centre", 1, False, 3600, Response, "answer to a command; correlation data echoed")
JOB = Topic("job/{id}", "node to centre", 1, False, 300, JobProgress, "progress of a clip job")
SNAPSHOT = Topic("snapshot/{camera}", "node to centre", 0, False, 60, None, "a JPEG of at most 64 kB, on request only", "image/jpeg")
CONFIG_REPORTED = Topic(
    "config/reported",
    "node to centre",
    1,
    True,
    None,
    ConfigReported,
    "the configuration in force, and what became of the desired one",
)
CONFIG_DESIRED = Topic(
    "config/desired",
    "centre to node",
    1,
    True,
    None,
    DesiredConfig,
    "a JWS (ES256) with these claims: the configuration wanted; obeyed once, by its version",
    "application/jose",
)
ACK = Topic("ack", "centre to node", 1, True, None, Ack, "watermarks: what the centre has stored of each journal")
COMMAND = Topic(
    "cmd/{verb}",
    "centre to node",
    1,
    False,
    600,
    CommandClaims,
    "a JWS (ES256) with these claims; expiry 1-600 s is mandatory",
    "application/jose",
)

TOPICS = (
    STATUS,
    INFO,
    HEALTH,
    MOTION,
    ALARM,
    EVENT,
    GAP,
    CHECKPOINT,
    HISTORY,
    RESPONSE,
    JOB,
    SNAPSHOT,
    CONFIG_REPORTED,
    ACK,
    CONFIG_DESIRED,
    COMMAND,
)
PROPERTIES = (STATUS, INFO, HEALTH, MOTION, ALARM, CONFIG_REPORTED)
"""What a node is now, retained."""

ALL = "all"
"""In the place of a node, for commands: every node listens to `<org>/v1/all/cmd/+`. No node has this id."""
COMMAND_EXPIRY_MAX_S = 600

_LEVEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def is_level(text: str) -> bool:
    """Whether `text` may be one level of a topic and a file name: letters, digits, . _ - , at most 63, not starting with a sign."""
    return _LEVEL.fullmatch(text) is not None


def address(org: str, node: str, topic: Topic, part: str = "") -> str:
    """The full topic; `part` fills the one {} of its name. Raises ValueError for a part that is no level."""
    name = topic.name
    if "{" in name:
        if not is_level(part):
            raise ValueError(f"{part!r} cannot be a topic level")
        name = f"{name[: name.index('{')]}{part}"
    return f"{org}/v1/{node}/{name}"


def pattern(org: str, node: str, topic: Topic) -> str:
    """For SUBSCRIBE; `node` may be "+"."""
    name = topic.name[: topic.name.index("{")] + "+" if "{" in topic.name else topic.name
    return f"{org}/v1/{node}/{name}"


@dataclass(frozen=True, slots=True)
class Address:
    node: str
    topic: Topic
    part: str


def parse(org: str, text: str) -> Address | None:
    """The inverse of `address`; None for anything that is not in the table."""
    levels = text.split("/")
    head = len(org.split("/"))
    if len(levels) < head + 3 or "/".join(levels[:head]) != org or levels[head] != "v1" or not is_level(levels[head + 1]):
        return None
    node, name = levels[head + 1], levels[head + 2 :]
    for topic in TOPICS:
        wanted = topic.name.split("/")
        if len(wanted) == len(name) and all(map(_fits, wanted, name)):
            return Address(node, topic, name[-1] if "{" in topic.name else "")
    return None


def _fits(wanted: str, level: str) -> bool:
    return is_level(level) if wanted.startswith("{") else wanted == level
