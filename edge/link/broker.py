"""MQTT 5 through paho, the only file that imports it.

paho is used as a codec with a socket: its own reconnection, thread and queue are not (its queue dies with the process; its back-off has no
jitter and starts anew at every CONNACK; an exception in a callback ends its thread without a word). One thread, "link", dials, reads,
writes and publishes; paho's callbacks run inside it and only put into `events`. A fresh client is built for every attempt.
"""

from __future__ import annotations

import collections
import logging
import os
import queue
import select
import socket
import threading
from collections.abc import Callable, Sequence

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.clock import monotonic_s
from edge.errors import TryAgain
from edge.link.backoff import Backoff
from edge.link.dial import Addresses, tune
from edge.link.port import Acknowledged, Connected, Disconnected, Event, Incoming, Outgoing, Unreachable, Will
from edge.link.settings import LinkSettings

log = logging.getLogger(__name__)

_POLL_MAX_S = 5.0
_POLL_BUSY_S = 0.25
_UNREAD_MAX = 2000
_UNDONE_MAX_BYTES = 16 << 20
"""A limit for memory only: Mosquitto 2.0 itself exceeds the receive maximum when it takes a session up again."""
_KEEP_ALIVE_TIMEOUT = 0x8D


class _Lost(TryAgain):
    """The connection is over. by_peer as in Disconnected."""

    def __init__(self, text: str, *, code: int = 0, by_peer: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.by_peer = by_peer


class MqttLink:
    """`prepare` is called in the link thread before the first attempt and again after each connection that came about: it gives
    the will, and must not raise."""

    def __init__(self, settings: LinkSettings, subscriptions: Sequence[str], prepare: Callable[[], Will | None]) -> None:
        self._settings = settings
        self._subscriptions = tuple(subscriptions)
        self._prepare = prepare
        self._events: queue.Queue[Event] = queue.Queue()
        self._orders: collections.deque[Outgoing | Incoming] = collections.deque()
        self._stop = threading.Event()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    @property
    def events(self) -> queue.Queue[Event]:
        return self._events

    def start(self) -> None:
        self._thread.start()

    def stop(self, deadline_s: float = 5.0) -> None:
        """DISCONNECT, so that no will is published. Returns when the thread has ended, or at the deadline (a resolver may hang)."""
        self._stop.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(deadline_s)
        if not self._thread.is_alive():
            for number in (self._wake_read, self._wake_write):
                if number >= 0:
                    os.close(number)
            self._wake_read = self._wake_write = -1

    def send(self, message: Outgoing) -> None:
        self._orders.append(message)
        self._wake()

    def done(self, message: Incoming) -> None:
        if message.qos > 0:
            self._orders.append(message)
            self._wake()

    def _wake(self) -> None:
        if self._wake_write < 0:
            return
        try:
            os.write(self._wake_write, b"x")
        except BlockingIOError:
            return  # the pipe is full of wake-ups already

    def _run(self) -> None:
        backoff = Backoff(self._settings.backoff_max_s)
        addresses = Addresses(self._settings.host, self._settings.port)
        number, will = 0, self._prepare()
        while not self._stop.is_set():
            session = _Session(self._settings, self._subscriptions, self._events, self._orders, number + 1)
            started_s = monotonic_s()
            lost = _ended(session, will, addresses, self._stop, self._wake_read)
            if session.established:
                number += 1
                backoff.lasted(monotonic_s() - started_s)
                self._events.put(Disconnected(number, lost.by_peer, lost.code, lost.message))
                if not self._stop.is_set():
                    will = self._prepare()
            if self._stop.is_set():
                return
            wait_s = backoff.wait_s()
            if not session.established:
                self._events.put(Unreachable(lost.code, lost.message, wait_s))
            log.info("broker %s:%d: %s; next attempt in %.1f s", self._settings.host, self._settings.port, lost.message, wait_s)
            self._stop.wait(wait_s)


def _ended(session: _Session, will: Will | None, addresses: Addresses, stop: threading.Event, wake: int) -> _Lost:
    """Runs a session to its end and says why it ended."""
    try:
        session.run(will, addresses, stop, wake)
    except _Lost as lost:
        return lost
    except (OSError, TryAgain) as error:
        return _Lost(f"no connection: {error}")
    except Exception as error:  # what a peer's bytes can make a foreign codec raise is not a closed list; the link must outlive it
        log.exception("the connection is given up after a fault in handling it")
        return _Lost(f"fault: {error!r}", by_peer=True)
    finally:
        session.close()
    return _Lost("stopped")


class _Session:
    """One connection with its own paho client. Everything runs in the link thread."""

    def __init__(
        self,
        settings: LinkSettings,
        subscriptions: tuple[str, ...],
        events: queue.Queue[Event],
        orders: collections.deque[Outgoing | Incoming],
        number: int,
    ) -> None:
        self.established = False
        self._settings = settings
        self._subscriptions = subscriptions
        self._events = events
        self._orders = orders
        self._number = number
        self._tokens: dict[int, int] = {}
        self._undone: dict[int, int] = {}
        self._early: list[Incoming] = []
        self._hello: Connected | None = None
        self._subscribe_mid = 0
        self._lost: _Lost | None = None
        self._last_progress_s = monotonic_s()
        self._client = self._build()

    def _build(self) -> Client:
        settings = self._settings
        client = Client(CallbackAPIVersion.VERSION2, settings.client_id, protocol=MQTTv5, manual_ack=True, reconnect_on_failure=False)
        client.max_inflight_messages_set(0)
        client.connect_timeout = settings.connect_timeout_s
        if settings.user:
            client.username_pw_set(settings.user, settings.password or None)
        if settings.tls is not None:
            client.tls_set_context(settings.tls)
        client.on_socket_open = lambda _client, _data, sock: tune(sock) if isinstance(sock, socket.socket) else None
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def run(self, will: Will | None, addresses: Addresses, stop: threading.Event, wake: int) -> None:
        """Connects and serves until `stop` (returns) or the connection is lost (raises)."""
        self._dial(will, addresses.next())
        deadline_s = monotonic_s() + self._settings.connect_timeout_s
        while not stop.is_set():
            if not self.established and monotonic_s() > deadline_s:
                raise _Lost("the broker did not complete the connection in time")
            self._send_orders()
            self._turn(wake)
            if self._lost is not None:
                raise self._lost
            if self._tokens and monotonic_s() - self._last_progress_s > self._settings.ack_timeout_s:
                raise _Lost("the broker acknowledges nothing")
        self._send_orders()
        self._client.disconnect()
        while self._client.want_write() and self._lost is None and self._client.socket() is not None:
            self._turn(wake)

    def _dial(self, will: Will | None, host: str) -> None:
        settings = self._settings
        if will is not None:
            properties = _properties(PacketTypes.WILLMESSAGE)
            properties.WillDelayInterval = will.delay_s
            self._client.will_set(will.topic, will.payload, qos=1, retain=True, properties=properties)
        properties = _properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = settings.session_expiry_s
        properties.ReceiveMaximum = settings.receive_maximum
        properties.MaximumPacketSize = settings.max_packet_bytes
        clean = settings.session_expiry_s == 0
        _check(self._client.connect(host, settings.port, settings.keepalive_s, clean_start=clean, properties=properties))

    def _turn(self, wake: int) -> None:
        """Waits for the socket or a wake-up, then lets paho read, write and keep the connection alive."""
        sock = self._client.socket()
        if sock is None:
            raise self._lost or _Lost("the connection is closed", by_peer=True)
        pending = getattr(sock, "pending", None)
        buffered = pending is not None and pending() > 0
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
        poll.register(wake, select.POLLIN)
        wait_s = min(_POLL_MAX_S, self._settings.keepalive_s / 4) if self.established and not self._tokens else _POLL_BUSY_S
        ready = dict(poll.poll(0 if buffered else wait_s * 1000))
        if wake in ready:
            os.read(wake, 4096)
        if buffered or ready.get(sock.fileno(), 0) & ~select.POLLOUT:
            self._call(self._client.loop_read)
        if self._client.want_write():
            self._call(self._client.loop_write)
        self._call(self._client.loop_misc)

    def _call(self, step: Callable[[], MQTTErrorCode]) -> None:
        code = step()
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self._lost or _Lost(f"connection lost: {code.name}", by_peer=code != MQTTErrorCode.MQTT_ERR_KEEPALIVE)

    def _send_orders(self) -> None:
        while self._orders:
            order = self._orders.popleft()
            if order.connection != self._number or not self.established:
                continue
            if isinstance(order, Incoming):
                self._undone.pop(order.id, None)
                _check(self._client.ack(order.id, order.qos))
            else:
                self._publish(order)

    def _publish(self, message: Outgoing) -> None:
        properties = _properties(PacketTypes.PUBLISH)
        if message.expiry_s is not None:
            properties.MessageExpiryInterval = message.expiry_s
        if message.correlation is not None:
            properties.CorrelationData = message.correlation
        if not self._tokens:
            self._last_progress_s = monotonic_s()
        info = self._client.publish(message.topic, message.payload, message.qos, message.retain, properties)
        if message.qos > 0:
            self._tokens[info.mid] = message.token
        _check(info.rc)

    def _on_connect(self, client: Client, _data: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None) -> None:
        if reason.is_failure:
            self._lost = _Lost(f"the broker refused the connection: {reason}", code=reason.value, by_peer=True)
            return
        self._hello = Connected(
            self._number,
            flags.session_present,
            int(getattr(properties, "ReceiveMaximum", 65_535)),
            getattr(properties, "MaximumPacketSize", None),
        )
        if not self._subscriptions:
            self._establish(())
            return
        # Retained messages are sent again at every subscription: a watermark missed is a watermark made good.
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE)
        code, mid = client.subscribe([(each, options) for each in self._subscriptions])
        _check(code)
        self._subscribe_mid = mid or 0

    def _on_subscribe(self, _client: Client, _data: object, mid: int, reasons: list[ReasonCode], _properties: Properties | None) -> None:
        if mid == self._subscribe_mid and not self.established:
            codes = zip(self._subscriptions, reasons, strict=False)
            self._establish(tuple((each, reason.value) for each, reason in codes if reason.is_failure))

    def _establish(self, refused: tuple[tuple[str, int], ...]) -> None:
        if self._hello is not None:
            self.established = True
            hello = self._hello
            self._events.put(Connected(hello.connection, hello.session_present, hello.window, hello.max_packet_bytes, refused))
            for message in self._early:
                self._events.put(message)
            self._early.clear()

    def _on_publish(self, _client: Client, _data: object, mid: int, reason: ReasonCode, _properties: Properties | None) -> None:
        token = self._tokens.pop(mid, None)
        self._last_progress_s = monotonic_s()
        if token is not None:
            self._events.put(Acknowledged(self._number, token, reason.value))

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if message.qos == 0 and self._events.qsize() + len(self._early) > _UNREAD_MAX:
            return
        if message.qos > 0:
            self._undone[message.mid] = len(message.payload)
        if sum(self._undone.values()) > _UNDONE_MAX_BYTES:
            self._lost = _Lost("the broker sends far more than the receive maximum", by_peer=True)
            return
        expiry_s = getattr(message.properties, "MessageExpiryInterval", None)
        correlation = getattr(message.properties, "CorrelationData", None)
        news = Incoming(
            self._number, message.mid, message.topic, bytes(message.payload), message.qos, message.retain, expiry_s, correlation
        )
        if self.established:
            self._events.put(news)
        else:
            self._early.append(news)  # a kept session's messages arrive before the subscriptions are confirmed

    def _on_disconnect(
        self, _client: Client, _data: object, flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if self._lost is None and self.established:
            by_peer = flags.is_disconnect_packet_from_server or reason.value != _KEEP_ALIVE_TIMEOUT
            self._lost = _Lost(f"connection lost: {reason}", code=reason.value, by_peer=by_peer)

    def close(self) -> None:
        sock = self._client.socket()
        if sock is not None:
            sock.close()
        tls = self._settings.tls
        if tls is not None and tls.latest is not None:
            tls.latest.close()
            tls.latest = None


def _properties(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]


def _check(code: MQTTErrorCode) -> None:
    if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
        raise _Lost(f"connection lost: {code.name}", by_peer=True)
