"""What the agent says about the node itself: birth, will, farewell, health, progress, answers."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from typing import Literal

import msgspec

from edge import __version__
from edge.clock import Clock, format_utc
from edge.config.model import Mqtt
from edge.link.port import Will
from edge.link.publish import Direct
from edge.link.session import SessionNumber
from edge.link.topics import HEALTH, INFO, JOB, RESPONSE, STATUS, Topic, address
from edge.messages.clip import JobProgress
from edge.messages.health import HealthDocument
from edge.messages.wire import NodeInfo, Response, Status

Why = Literal["boot", "reconnect", "shutdown", "will"]


class Wills:
    """The will of the next connection, with its session number. `next` runs in the link thread; nonce: of this process."""

    def __init__(self, mqtt: Mqtt, node: str, boot: str, session: SessionNumber, clock: Clock) -> None:
        self.nonce = secrets.token_hex(8)
        self._topic = address(mqtt.org, node, STATUS)
        self._delay_s = mqtt.will_delay_s
        self._boot, self._session, self._clock = boot, session, clock

    @property
    def session(self) -> int:
        return self._session.current

    def next(self) -> Will:
        self._session.next()
        return Will(self._topic, msgspec.json.encode(self.status("will", {})), self._delay_s)

    def status(self, why: Why, journals: dict[str, str]) -> Status:
        return Status(
            state="online" if why in ("boot", "reconnect") else "offline",
            why=why,
            boot=self._boot,
            session=self.session,
            t=format_utc(self._clock.read().utc_ns),
            nonce=self.nonce,
            version=__version__,
            journals=journals,
        )


class Voice:
    """One thread. `put`: Publisher.put. `told`: called when the broker has taken an answer, for somebody."""

    def __init__(
        self, mqtt: Mqtt, node: str, wills: Wills, health_expiry_s: int, put: Callable[[Direct], None], told: Callable[[Response], None]
    ) -> None:
        self._org, self._node, self._wills, self._put, self._told = mqtt.org, node, wills, put, told
        self._health_expiry_s = health_expiry_s
        self._numbers = itertools.count()
        self.born = False
        """The broker has taken a birth of this process: whoever else is online under its name from now on is another."""

    def status(self, why: Why, journals: dict[str, str]) -> None:
        def done(code: int) -> None:
            self.born = self.born or code < 0x80

        self._property(STATUS, "", msgspec.json.encode(self._wills.status(why, journals)), trusted=True, on_done=done)

    def is_foreign(self, status: Status) -> bool:
        return self.born and status.state == "online" and status.nonce != self._wills.nonce

    def info(self, info: NodeInfo) -> None:
        self._property(INFO, "", msgspec.json.encode(info))

    def health(self, document: HealthDocument) -> None:
        self._property(HEALTH, "", msgspec.json.encode(document), expiry_s=self._health_expiry_s)

    def job(self, progress: JobProgress) -> None:
        self._property(JOB, progress.id, msgspec.json.encode(progress))

    def answer(self, verb: str, response: Response, correlation: bytes | None) -> None:
        """Each answer goes out, also an older one to the same command."""

        def done(code: int) -> None:
            if code == 0:
                self._told(response)

        topic = address(self._org, self._node, RESPONSE, verb)
        key = f"answer {response.id} {response.state}" if response.id else f"answer without id {next(self._numbers)}"
        payload = msgspec.json.encode(response)
        self._put(Direct(key, topic, payload, expiry_s=RESPONSE.expiry_s, correlation=correlation, on_done=done))

    def _property(
        self,
        topic: Topic,
        part: str,
        payload: bytes,
        *,
        trusted: bool = False,
        expiry_s: int | None = None,
        on_done: Callable[[int], None] | None = None,
    ) -> None:
        """Of each topic only the newest value waits."""
        where = address(self._org, self._node, topic, part)
        expiry_s = topic.expiry_s if expiry_s is None else expiry_s
        self._put(Direct(where, where, payload, topic.qos, topic.retain, expiry_s, trusted=trusted, on_done=on_done))
