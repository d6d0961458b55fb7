"""MQTT 5 through paho, the only file that imports it.

paho is used as a codec with a socket: its own reconnection, thread and queue are not (its queue dies with the process; its back-off has no
jitter and starts anew at every CONNACK; an exception in a callback ends its thread without a word). Everything here runs in the thread
"link" (supervisor.py); paho's callbacks only put into `events`. A fresh client is built for every attempt.
"""

from __future__ import annotations

import collections
import logging
import os
import queue
import select
import socket
import threading
from collections.abc import Callable

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.clock import monotonic_s
from edge.errors import TryAgain
from edge.link.dial import Addresses, tune
from edge.link.port import Acknowledged, Cause, Connected, Event, Incoming, Outgoing, Subscribed, Will
from edge.link.settings import LinkSettings

log = logging.getLogger(__name__)

_POLL_MAX_S = 5.0
_POLL_BUSY_S = 0.25
_UNREAD_MAX = 2000
_UNDONE_MAX_BYTES = 16 << 20
"""A limit for memory only: Mosquitto 2.0 itself exceeds the receive maximum when it takes a session up again."""
_ASK_S = 4.0
"""A TCP connection that is not answered is asked for anew so often: the kernel's own pauses between two SYNs grow to 8 s and more, and a
link that is back is to be used at once."""
_KEEP_ALIVE_TIMEOUT = 0x8D
_REFUSALS = (0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C)
"""CONNACK codes (MQTT 5.0, 3.2.2.2) about who this node is; the others are about the broker, and pass."""


class Lost(TryAgain):
    """The connection is over. by_peer as in Disconnected, cause as in Unreachable."""

    def __init__(self, text: str, *, code: int = 0, by_peer: bool = False, cause: Cause = "") -> None:
        super().__init__(text)
        self.code = code
        self.cause = cause
        self.by_peer = by_peer


class Session:
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
        self._asked: tuple[str, ...] = ()
        self._refusals: tuple[tuple[str, int], ...] = ()
        self._ask_again_s = 0.0
        self._lost: Lost | None = None
        self._last_progress_s = monotonic_s()
        self._tls = settings.tls.current() if settings.tls is not None else None
        self._client = self._build()

    def _build(self) -> Client:
        settings = self._settings
        client = Client(CallbackAPIVersion.VERSION2, settings.client_id, protocol=MQTTv5, manual_ack=True, reconnect_on_failure=False)
        client.max_inflight_messages_set(0)
        client.connect_timeout = min(_ASK_S, settings.connect_timeout_s)
        if settings.user:
            client.username_pw_set(settings.user, settings.password.current() if settings.password is not None else None)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        client.on_socket_open = lambda _client, _data, sock: tune(sock) if isinstance(sock, socket.socket) else None
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def run(self, will: Will | None, addresses: Addresses, stop: threading.Event, wake: int) -> None:
        """Connects and serves until `stop` (returns) or the connection is lost (raises)."""
        self._dial(will, addresses.next(), stop)
        deadline_s = monotonic_s() + self._settings.connect_timeout_s
        while not stop.is_set():
            if not self.established and monotonic_s() > deadline_s:
                raise Lost("the broker did not complete the connection in time")
            self._send_orders()
            self._turn(wake)
            if self._lost is not None:
                raise self._lost
            if self._refusals and monotonic_s() > self._ask_again_s:
                self._subscribe(tuple(pattern for pattern, _ in self._refusals))
            if self._tokens and monotonic_s() - self._last_progress_s > self._settings.ack_timeout_s:
                raise Lost("the broker acknowledges nothing")
        self._send_orders()
        self._client.disconnect()
        while self._client.want_write() and self._lost is None and self._client.socket() is not None:
            self._turn(wake)

    def _dial(self, will: Will | None, host: str, stop: threading.Event) -> None:
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
        ends_s = monotonic_s() + settings.connect_timeout_s
        while True:
            try:
                return _check(self._client.connect(host, settings.port, settings.keepalive_s, clean_start=clean, properties=properties))
            except TimeoutError:
                answered = self._tls is not None and self._tls.latest is not None
                if answered or stop.is_set() or monotonic_s() + _ASK_S > ends_s:
                    raise

    def _turn(self, wake: int) -> None:
        """Waits for the socket or a wake-up, then lets paho read, write and keep the connection alive."""
        sock = self._client.socket()
        if sock is None:
            raise self._lost or Lost("the connection is closed", by_peer=True)
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
            raise self._refused() or self._lost or Lost(f"connection lost: {code.name}", by_peer=code != MQTTErrorCode.MQTT_ERR_KEEPALIVE)

    def _refused(self) -> Lost | None:
        """By TLS: what is wrong with the certificate, in the broker's words."""
        refusal = getattr(self._tls.latest, "refusal", "") if self._tls is not None else ""
        if not refusal or self.established:
            return None
        return Lost(f"the broker refuses this node's certificate: {refusal}", by_peer=True, cause="refused")

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
        if not self._tokens:
            self._last_progress_s = monotonic_s()
        info = self._client.publish(message.topic, message.payload, message.qos, message.retain, _properties_of(message))
        if message.qos > 0:
            self._tokens[info.mid] = message.token
        _check(info.rc)

    def _on_connect(self, _client: Client, _data: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None) -> None:
        if reason.is_failure:
            cause: Cause = "refused" if reason.value in _REFUSALS else ""
            self._lost = Lost(f"the broker refused the connection: {reason}", code=reason.value, by_peer=True, cause=cause)
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
        self._subscribe(self._subscriptions)

    def _subscribe(self, patterns: tuple[str, ...]) -> None:
        # Retained messages are sent again at every subscription: a watermark missed is a watermark made good.
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE)
        code, mid = self._client.subscribe([(each, options) for each in patterns])
        _check(code)
        self._asked, self._subscribe_mid = patterns, mid or 0
        self._ask_again_s = monotonic_s() + self._settings.ask_again_s

    def _on_subscribe(self, _client: Client, _data: object, mid: int, reasons: list[ReasonCode], _properties: Properties | None) -> None:
        if mid != self._subscribe_mid:
            return
        before = self._refusals
        self._refusals = tuple((each, reason.value) for each, reason in zip(self._asked, reasons, strict=False) if reason.is_failure)
        if not self.established:
            self._establish(self._refusals)
        elif self._refusals != before:
            self._events.put(Subscribed(self._number, self._refusals))

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
            self._lost = Lost("the broker sends far more than the receive maximum", by_peer=True)
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
            self._lost = Lost(f"connection lost: {reason}", code=reason.value, by_peer=by_peer)

    def close(self) -> None:
        sock = self._client.socket()
        if sock is not None:
            sock.close()
        if self._tls is not None and self._tls.latest is not None:
            self._tls.latest.close()
            self._tls.latest = None


def _properties_of(message: Outgoing) -> Properties | None:
    """None where there are none: paho's object for them costs as much as the rest of a publication."""
    if message.expiry_s is None and message.correlation is None:
        return None
    properties = _properties(PacketTypes.PUBLISH)
    if message.expiry_s is not None:
        properties.MessageExpiryInterval = message.expiry_s
    if message.correlation is not None:
        properties.CorrelationData = message.correlation
    return properties


def _properties(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]


def _check(code: MQTTErrorCode) -> None:
    if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
        raise Lost(f"connection lost: {code.name}", by_peer=True)
