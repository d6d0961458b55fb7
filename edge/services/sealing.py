"""Signs GOPs on their way to the ring: each one's signature rides in front of the next one's IDR picture, so the signer has a GOP's length
of time and the writer hardly ever waits. Whatever the signer does, every GOP goes on; one without a signature is told in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from edge.bmff.boxes import Buffer
from edge.bmff.nal import is_slice, split
from edge.bmff.params import ParameterSets, parameter_sets
from edge.clock import NS_PER_S, Clock, monotonic_s
from edge.messages.evidence import KeyNews, UnsignedGops, UnsignedReason
from edge.messages.records import Facts
from edge.messages.stream import StreamInfo
from edge.ring.gop import Gop, length_ns, units_of
from edge.seal.chain import Chain, Maker
from edge.seal.onvif import Document, Unsigned
from edge.services.interrupted import Interrupted
from edge.services.signing import Job, SigningDesk

Put = Callable[[Facts], None]

_WAITING_SHARE = 0.5
"""Of the footage's length, that the writer may spend on waiting for signatures: it keeps up with the camera whatever the signer does."""


@dataclass(frozen=True, slots=True)
class _Pending:
    unsigned: Unsigned
    job: Job


class Lapses:
    """GOPs that go without: one record when it begins, one when it is over or its reason changes."""

    def __init__(self, put: Put) -> None:
        self._put = put
        self._lasting: UnsignedGops | None = None

    def add(self, reason: UnsignedReason, counter: int | None, text: str = "") -> None:
        if self._lasting is not None and self._lasting.reason != reason:
            self.end()
        if self._lasting is None:
            self._lasting = UnsignedGops(reason=reason, counter=counter, text=text)
            self._put(msgspec.structs.replace(self._lasting, open=True))
        self._lasting = msgspec.structs.replace(self._lasting, gops=self._lasting.gops + 1)

    def end(self) -> None:
        if self._lasting is not None:
            self._put(self._lasting)
            self._lasting = None


class Sealer:
    """Used by the writer thread alone. desk: None where nothing is to be signed. interrupted: what an earlier run left unsigned."""

    def __init__(
        self, desk: SigningDesk | None, put: Put, clock: Clock, maker: Maker, deadline_s: float, interrupted: Interrupted | None = None
    ) -> None:
        self._desk, self._put, self._clock, self._maker, self._deadline_s = desk, put, clock, maker, deadline_s
        self._interrupted = interrupted
        self._chain = Chain(maker)
        self._lapses = Lapses(put)
        self._pending: _Pending | None = None
        self._info: StreamInfo | None = None
        self._params: ParameterSets | None = None
        self._told: KeyNews | None = None
        self._waited = False
        """For the key: it is opened while the camera starts, and the first GOP gives it a last moment."""
        self._patience_s = deadline_s
        """What the writer may wait for signatures before it would fall behind the camera."""

    def start(self, info: StreamInfo) -> None:
        """A new epoch of the capture worker; the span goes on."""
        self._info = info
        self._params = parameter_sets(info.codec, split(info.parameter_sets))

    def seal(self, gop: Gop) -> Gop:
        """The GOP with the signature of the one before it, where that is there; hands its own document to the signer."""
        info = self._info
        if self._desk is None or info is None:
            self._tell(KeyNews(state="off"))
            self._lapses.add("off", None)
            return gop
        if not self._waited:
            self._waited = True
            self._desk.wait_for_key(self._deadline_s)
        self._patience_s = min(self._deadline_s, self._patience_s + _WAITING_SHARE * length_ns(gop, info.fps) / NS_PER_S)
        units = list(units_of(gop))
        self._params = parameter_sets(info.codec, units[0]) or self._params
        earlier = self._of_earlier_run(self._desk, info)
        sei = self._collect(info) if earlier is None else earlier
        self._tell(self._desk.news)
        counter = self._submit(self._desk, info, gop, units)
        if sei is not None:
            units[0] = with_sei(info, units[0], sei)
        return replace(gop, units=units, counter=counter)

    def close(self) -> None:
        """The last GOP's signature is left to the next run."""
        self._lapses.end()

    def _submit(self, desk: SigningDesk, info: StreamInfo, gop: Gop, units: Sequence[Sequence[Buffer]]) -> int:
        identity = desk.identity
        if identity is None:
            counter = self._chain.skip(info.codec, units)
            self._lapses.add("no_key", counter, desk.news.text)
            return counter
        reading = self._clock.read()
        start_utc_ns = reading.utc_of(gop.boot_ns) if reading.dated else None
        document = self._chain.next(info.codec, units, start_utc_ns, length_ns(gop, info.fps), self._params, identity.certificates)
        counter = self._chain.counter
        self._pending = self._handed_in(desk, info, document, counter)
        return counter

    def _handed_in(self, desk: SigningDesk, info: StreamInfo, document: Document | None, counter: int) -> _Pending | None:
        if document is None:
            self._lapses.add("signer_failed", counter, "the GOP begins with no IDR picture")
            return None
        try:
            unsigned = Unsigned(info.codec, document)
        except ValueError as refused:
            self._lapses.add("signer_failed", counter, str(refused))
            return None
        job = desk.submit(unsigned.digest)
        if job is None and desk.thread.broken:
            self._lapses.add("signer_failed", counter, "the signing thread has ended")
        elif job is None:
            self._lapses.add("signer_slow", counter, "the signer is still busy with an earlier GOP")
        if job is None:
            return None
        return _Pending(unsigned, job)

    def _collect(self, info: StreamInfo) -> bytes | None:
        """The SEI of the GOP before, where its signature comes in time."""
        pending, self._pending = self._pending, None
        if pending is None:
            return None
        job, counter = pending.job, pending.unsigned.document.counter
        if not self._is_done(job):
            self._lapses.add("signer_slow", counter, "no signature in time")
        elif job.signature is None:
            self._lapses.add("signer_failed", counter, job.fault)
        elif pending.unsigned.codec != info.codec:
            self._lapses.add("stream_changed", counter, f"{pending.unsigned.codec} before, {info.codec} now")
        else:
            return self._finished(pending.unsigned, job.signature)
        return None

    def _finished(self, unsigned: Unsigned, signature: bytes) -> bytes | None:
        try:
            sei = unsigned.finish(signature)
        except ValueError as refused:
            self._lapses.add("signer_failed", unsigned.document.counter, str(refused))
            return None
        self._lapses.end()
        return sei

    def _is_done(self, job: Job) -> bool:
        """Waits no longer than the signer's deadline allows since it was asked, and than the writer can afford."""
        began_s = monotonic_s()
        done = job.done.wait(max(0.0, min(self._patience_s, job.submitted_s + self._deadline_s - began_s)))
        self._patience_s = max(0.0, self._patience_s - (monotonic_s() - began_s))
        return done

    def _of_earlier_run(self, desk: SigningDesk, info: StreamInfo) -> bytes | None:
        """Once: the SEI of the GOP that the run before was interrupted in. The writer waits for the signature."""
        interrupted, self._interrupted = self._interrupted, None
        if interrupted is None:
            return None
        document = interrupted.document
        if document is None:
            self._lapses.add("damaged", None, interrupted.why)
            return None
        identity = desk.identity
        if identity is None or interrupted.codec != info.codec:
            self._lapses.add("no_key" if identity is None else "stream_changed", document.counter, desk.news.text)
            return None
        told = replace(document, certificates=identity.certificates)
        self._pending = self._handed_in(desk, info, told, told.counter)
        return self._collect(info)

    def _tell(self, news: KeyNews) -> None:
        if news != self._told:
            self._told = news
            self._put(news)


def with_sei(info: StreamInfo, units: Sequence[Buffer], sei: bytes) -> list[Buffer]:
    """The access unit with the SEI in front of its first slice, behind delimiter and parameter sets."""
    at = next((place for place, nal in enumerate(units) if is_slice(info.codec, nal)), len(units))
    return [*units[:at], sei, *units[at:]]
