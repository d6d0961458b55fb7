"""WHIP: the ring's pictures as they are, over WebRTC by aiortc. In the sending process only.

aiortc verifies that the receiver's DTLS certificate is the one its answer names; the answer comes over verified TLS. Congestion control and
resends are aiortc's. A picture that the receiver asks for (PLI) comes with the next GOP: nothing is encoded anew.
"""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Coroutine
from contextlib import suppress
from fractions import Fraction
from typing import Any, TypeVar

import av
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.exceptions import InvalidAccessError, InvalidStateError
from av.bitstream import BitStreamFilterContext

from edge.clock import monotonic_s
from edge.live.lowly import lower_sockets
from edge.live.refusal import TIMEOUT_S, Refusal
from edge.live.whip_http import Endpoint
from edge.live.wire import Opening, Picture

T = TypeVar("T")

CONNECT_S = 10.0
SILENCE_S = 10.0
"""Without a word of the receiver (RTCP reports come every second or two) it is lost; ICE itself takes 30 s to see that (RFC 7675)."""
_GOODBYE_S = 1.5
_NS = Fraction(1, 1_000_000_000)
_OFFERED = "42e01f"
"""The one H.264 profile-level-id among aiortc's that receivers know; the offer carries the stream's own in its place."""
_BAD_ANSWER = (ValueError, LookupError, TypeError, AttributeError, AssertionError, InvalidAccessError, InvalidStateError)


class WhipOutlet:
    """Open when made. One thread; aiortc's loop has another. Raises Refusal."""

    def __init__(self, opening: Opening) -> None:
        with av.open(io.BytesIO(opening.init), "r", format="mp4") as described:
            stream = described.streams.video[0]
            if stream.codec_context.name != "h264":
                raise Refusal("codec", "WHIP takes H.264 alone here: WebRTC receivers do not all decode H.265. Use rtsps or srt")
            profile = bytes(stream.codec_context.extradata or b"")[1:4].hex()
            self._filter = BitStreamFilterContext("h264_mp4toannexb", stream)
        self._endpoint = Endpoint(opening.url, opening.secret, opening.ca)
        self._first_ns = -1
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="whip", daemon=True).start()
        self._peer = self._in_loop(_make_peer())
        try:
            answer = self._endpoint.offer(self._in_loop(self._peer.offer()).replace(_OFFERED, profile))
            self._in_loop(self._peer.accept(answer))
        except Refusal:
            self.close()
            raise
        lower_sockets()

    def send(self, picture: Picture) -> None:
        """Blocks until it is handed to the network."""
        if self._first_ns < 0:
            self._first_ns = picture.pts_ns
        if picture.pts_ns != picture.dts_ns:
            raise Refusal("codec", "WebRTC takes no B-frames: switch them off in the camera, or use rtsps or srt")
        packet: Any = av.Packet(picture.data)
        packet.is_keyframe = picture.key
        for ready in self._filter.filter(packet):
            ready.pts, ready.time_base = picture.pts_ns - self._first_ns, _NS
            self._in_loop(self._peer.hand_over(ready))

    def close(self) -> None:
        """Says goodbye; what comes back does not matter any more."""
        self._endpoint.delete()
        with suppress(Refusal, TimeoutError, asyncio.TimeoutError):
            self._in_loop(self._peer.close())
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class _Track(MediaStreamTrack):
    """What aiortc's RTP sender reads from: it asks for the next packet once the one before is sent."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.packets: asyncio.Queue[Any] = asyncio.Queue()
        self._under_way = False

    async def recv(self) -> Any:
        if self._under_way:
            self.packets.task_done()
        packet = await self.packets.get()
        self._under_way = True
        return packet


class _Peer:
    """The WebRTC connection. In the loop only."""

    def __init__(self) -> None:
        self._track = _Track()
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._changed = asyncio.Event()
        self._over = asyncio.Event()
        self._heard_s, self._heard_packets = monotonic_s(), 0
        self._connection.on("connectionstatechange", self._on_state)
        self._sending = self._connection.addTransceiver(self._track, direction="sendonly")
        known = RTCRtpSender.getCapabilities("video").codecs
        self._sending.setCodecPreferences(
            [codec for codec in known if codec.parameters.get("profile-level-id") == _OFFERED or codec.mimeType == "video/rtx"]
        )

    async def offer(self) -> str:
        """SDP with all candidates of this machine."""
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return self._connection.localDescription.sdp

    async def accept(self, answer: str) -> None:
        """Until connected. Raises Refusal."""
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(_as_offered(answer), "answer"))
        except _BAD_ANSWER as error:
            raise Refusal("refused", f"the WHIP endpoint's answer cannot be used: {error}") from error
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._changed.wait(), CONNECT_S)
        if self._connection.connectionState == "connected":
            return
        if self._connection.iceConnectionState == "completed":
            raise Refusal("tls", "the receiver's DTLS certificate is not the one that its answer names")
        raise Refusal("unreachable", "the WHIP endpoint answers, but no UDP way leads to the receiver that it names")

    async def hand_over(self, packet: Any) -> None:
        """Until it is sent. Raises Refusal."""
        await self._listen()
        self._track.packets.put_nowait(packet)
        steps = [asyncio.ensure_future(self._track.packets.join()), asyncio.ensure_future(self._over.wait())]
        await asyncio.wait(steps, timeout=TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        sent = steps[0].done()
        for step in steps:
            step.cancel()
        if not sent:
            raise Refusal("lost", "the receiver is gone: the WebRTC connection ended")

    async def close(self) -> None:
        await asyncio.wait_for(self._connection.close(), _GOODBYE_S)

    async def _listen(self) -> None:
        for each in (await self._sending.sender.getStats()).values():
            if each.type == "transport" and each.packetsReceived != self._heard_packets:
                self._heard_s, self._heard_packets = monotonic_s(), each.packetsReceived
        if monotonic_s() - self._heard_s > SILENCE_S:
            raise Refusal("lost", f"the receiver has not said anything for {SILENCE_S:g} s")

    def _on_state(self) -> None:
        state = self._connection.connectionState
        if state in ("connected", "failed", "closed"):
            self._changed.set()
        if state in ("failed", "closed"):
            self._over.set()


async def _make_peer() -> _Peer:
    return _Peer()


def _as_offered(answer: str) -> str:
    """With the profile in it that aiortc believes to have offered."""
    head, *others = answer.split("profile-level-id=")
    return head + "".join(f"profile-level-id={_OFFERED}{other[len(_OFFERED) :]}" for other in others)
