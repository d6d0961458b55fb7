"""The writer of one camera's ring: whole GOPs in, sealed segments and journal records out.

Order of a segment's life (architecture.md, "Writing"): sweep and reserve - create durably in open/ - one write and one fdatasync a
fragment - index box, truncate, fsync - rename into its day - record. A refusal of the disk never loses what is written: the file is
left in open/, read again by `recover`, and the GOP in hand goes to a new segment.
"""

from __future__ import annotations

import errno
import logging

from edge.clock import NS_PER_S, Clock, Reading, monotonic_s
from edge.errors import StorageError
from edge.host.disk import Disk
from edge.messages.evidence import Throttled
from edge.messages.records import GapReason, StreamChanged
from edge.messages.stream import StreamInfo
from edge.ring.dating import Dater
from edge.ring.forms import FormWatch
from edge.ring.gaps import FootageEnd, GapKeeper
from edge.ring.gop import Gop, Laid, picture_ns
from edge.ring.layout import NodeFolders
from edge.ring.ledger import Ledger
from edge.ring.limits import RingLimits
from edge.ring.progress import Progress, Tally
from edge.ring.recover import Leftovers
from edge.ring.room import Room, Sweeps
from edge.ring.sealing import file_away, name_of, segment_facts
from edge.ring.segment import Form, OpenSegment
from edge.ring.steps import ClockWatch

log = logging.getLogger(__name__)

_RETRY_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0)
_SWEEP_EVERY_NS = 60 * NS_PER_S


class Recording:
    """Made by `startup.start_ring`; one thread uses it (any may read `progress`)."""

    def __init__(
        self,
        disk: Disk,
        folders: NodeFolders,
        camera: str,
        clock: Clock,
        boot: str,
        ledger: Ledger,
        sweeper: Sweeps,
        limits: RingLimits,
        leftovers: Leftovers,
        *,
        next_seq: int,
        end: FootageEnd | None,
        span: str,
        restart: GapReason,
        unfinished: bool,
    ) -> None:
        """next_seq: the first number to use. end: of the footage before this run. span: this run's name. restart: why the run before
        ended. unfinished: segments of earlier runs wait in open/ for another try."""
        self._disk, self._folders, self._camera, self._clock, self._boot = disk, folders, camera, clock, boot
        self._ledger, self._limits, self._leftovers, self._span = ledger, limits, leftovers, span
        self._room = Room(sweeper, camera, limits.bitrate_kbps)
        self._gaps = GapKeeper(boot, end)
        reading = clock.read()
        self._watch = ClockWatch(reading)
        self._forms = FormWatch()
        self._segment: OpenSegment | None = None
        self._next_seq = next_seq
        self._tried_seq = 0
        """A number whose file was created, or may have been, and got no fragment: it is used again."""
        self._unfinished = unfinished
        self._restart = restart
        self._expected_seq: int | None = None
        self._break: GapReason | None = None
        """Why a hole before the next GOP would be there."""
        self._refusals = 0
        self._retry_at_ns = 0
        self._dater = Dater(disk, folders.ring(camera), boot, ledger)
        self._swept_at_ns = reading.boot_ns
        self._tally = Tally()

    @property
    def progress(self) -> Progress:
        return self._tally.progress

    def start(self, info: StreamInfo) -> None:
        """A new epoch: its GOPs begin a new segment."""
        self._end_segment()
        if self._forms.epoch:
            self._break = "camera_died"
        self._forms.start(info)
        self._expected_seq = None

    def write(self, gop: Gop) -> float | None:
        """None: the GOP is written (and durable, with sync "fragment"). Otherwise the disk refused, nothing is lost yet: offer the same
        GOP again after so many seconds."""
        reading = self._look()
        if reading.boot_ns < self._retry_at_ns:
            return (self._retry_at_ns - reading.boot_ns) / NS_PER_S
        self._ledger.flush()
        form, before = self._forms.look(gop)
        if form is None:
            self._skip(gop, reading)
            return None
        if before is not None:
            self._ledger.put(StreamChanged(before=before.describe(), after=form.describe(), new_seq=self._next_seq))
        began_s = monotonic_s()
        try:
            segment = self._place(gop, form, reading)
        except StorageError as refused:
            return self._refused(refused, reading)
        if self._refusals:
            log.warning("camera %s: the disk takes footage again, after %d refusals", self._camera, self._refusals)
        self._refusals = 0
        self._room.granted()
        took_ms = (monotonic_s() - began_s) * 1000
        self._tally.wrote(gop, took_ms, segment.seq, self._room.bytes_per_s, self._ledger.backlog)
        return None

    def gap(self, reason: GapReason, text: str = "") -> None:
        """The stream has ended for now: seal what there is, write the open Gap record. It is closed by the next GOP that is written."""
        self._end_segment()
        if facts := self._gaps.begin(reason, self._look(), text):
            self._ledger.put(facts)

    def note(self, facts: Throttled) -> None:
        """Into the journal, between what was written before and after."""
        self._ledger.put(facts)

    def tick(self) -> None:
        """Call every few seconds while no GOP comes: retention and retries do not wait for the camera."""
        reading = self._look()
        self._ledger.flush()
        if reading.boot_ns - self._swept_at_ns >= _SWEEP_EVERY_NS:
            self._swept_at_ns = reading.boot_ns
            self._room.make(0)

    def close(self) -> None:
        """Seal the open segment, end the record of a gap that lasts: from now on pictures are missing because the recorder is stopped. What
        the disk refuses now is left to recovery."""
        self._end_segment()
        if self._gaps.reason is not None:
            reading = self._clock.read()
            if final := self._gaps.resume(reading.boot_ns, reading):
                self._ledger.put(final)
        self._ledger.flush(now=True)

    def _place(self, gop: Gop, form: Form, reading: Reading) -> OpenSegment:
        """Where the GOP belongs; it is there when this returns."""
        segment = self._segment
        expected = segment.expected_dts_ns if segment else None
        lost = max(0, gop.packets[0].seq - self._expected_seq) if self._expected_seq is not None else 0
        follows = expected is not None and not lost and gop.packets[0].dts_ns == expected
        if segment is not None:
            if lost:
                self._break = "disk_slow"
            elif not follows:
                self._break = "time_jump"
            if not follows or form is not segment.form or self._long_enough(segment, gop):
                self._seal(gop.boot_ns if follows else None)
        if self._segment is None:
            self._segment = self._open(gop, form)
        laid = self._append(self._segment, gop, reading)
        if final := self._gaps.resume(gop.boot_ns, reading, None if follows else self._break, lost):
            self._ledger.put(final)
        self._break = None
        self._expected_seq = gop.packets[-1].seq + 1
        self._gaps.end = FootageEnd(self._boot, self._segment.end_boot_ns, None, self._segment.seq)
        if laid.jumps:
            self._ledger.put(self._gaps.jumped(laid.jumps[0], reading, len(laid.jumps) - 1))
            self._break = "time_jump"
        return self._segment

    def _skip(self, gop: Gop, reading: Reading) -> None:
        """A stream that never said what it is cannot be stored, or be played by anybody."""
        if facts := self._gaps.begin("unknown", reading, "the stream has no parameter sets"):
            log.error("camera %s: the stream has no parameter sets: nothing can be recorded", self._camera)
            self._ledger.put(facts)
        self._gaps.lose(len(gop.packets))

    def _long_enough(self, segment: OpenSegment, gop: Gop) -> bool:
        """Half a picture of grace: a GOP that ends just short of the limit must not make every segment a GOP longer."""
        grace_ns = picture_ns(gop, segment.form.fps) // 2
        return gop.boot_ns - segment.first_boot_ns + grace_ns >= self._limits.segment_s * NS_PER_S

    def _open(self, gop: Gop, form: Form) -> OpenSegment:
        needed = self._room.needed(self._limits.segment_s, gop)
        self._swept_at_ns = self._clock.boot_ns()
        self._room.make(needed)
        self._clear_leftovers()  # with the room that was made: sealing needs some, too
        seq = self._next_seq
        segment = OpenSegment(self._disk, self._folders.open(self._camera), self._camera, seq, self._boot, form, self._limits.sync)
        again, self._tried_seq = self._tried_seq == seq, seq
        try:
            segment.open(needed, again=again)
        except StorageError:
            self._abandon(segment)
            raise
        return segment

    def _append(self, segment: OpenSegment, gop: Gop, reading: Reading) -> Laid:
        self._keep_reserved(segment, gop)
        try:
            laid = segment.append(gop, reading)
        except StorageError:
            self._segment = None
            self._abandon(segment)
            raise
        self._next_seq = segment.seq + 1
        self._room.measured(gop, segment.end_boot_ns - gop.boot_ns)
        return laid

    def _keep_reserved(self, segment: OpenSegment, gop: Gop) -> None:
        """A rate that rose eats the reserve early: make more before it is needed."""
        if segment.size + gop.size + gop.size // 8 + 65_536 <= segment.reserved:
            return
        more = self._room.needed(self._limits.segment_s / 4, gop)
        self._room.make(more)
        try:
            segment.extend(segment.size + more)
        except StorageError as refused:
            log.warning("camera %s: segment %d: no more space could be reserved: %s", self._camera, segment.seq, refused)

    def _seal(self, next_boot_ns: int | None) -> None:
        """next_boot_ns: where footage goes on without a gap, else None."""
        segment, self._segment = self._segment, None
        assert segment is not None
        try:
            index, size, digest = segment.finish()
            name = name_of(index, next_boot_ns)
            file_away(self._disk, self._folders.ring(self._camera), segment.path, name)
        except StorageError:
            self._abandon(segment)
            raise
        gops = segment.first_gop, segment.last_gop
        self._ledger.put(segment_facts(index, name, size, digest, self._span, limits=self._limits, clock=self._clock.read(), gops=gops))
        self._dater.sealed(name)

    def _abandon(self, segment: OpenSegment) -> None:
        """What it holds stays in open/ until it can be sealed. A file without a whole fragment is used again under its number."""
        if segment.fragments:
            self._leftovers.trusted_bytes[segment.seq] = segment.size
            self._unfinished = True
        try:
            segment.abandon()
        except StorageError as refused:
            log.error("camera %s: segment %d: closing it after a refusal: %s", self._camera, segment.seq, refused)

    def _end_segment(self) -> None:
        if self._segment is None:
            return
        try:
            self._seal(None)
        except StorageError as refused:
            log.error("camera %s: a segment stays in open/ until it can be sealed: %s", self._camera, refused)

    def _clear_leftovers(self) -> None:
        """Seal what earlier refusals left in open/."""
        if not self._unfinished:
            return
        try:
            self._leftovers.clear(spare=self._next_seq)
        except StorageError as refused:
            log.error("camera %s: an abandoned segment cannot be sealed yet: %s", self._camera, refused)
        else:
            self._unfinished = False
            self._dater.look_again()
            self._footage_before_was_found()

    def _footage_before_was_found(self) -> None:
        """What an earlier run left in open/ is sealed only now: the gap of the restart begins behind it."""
        end, known = self._leftovers.history().footage_end(), self._gaps.end
        if end is None or end.seq is None or (known is not None and known.seq is not None and known.seq >= end.seq):
            return
        self._gaps.end = end
        if facts := self._gaps.begin(self._restart, self._clock.read()):
            self._ledger.put(facts)

    def _refused(self, refused: StorageError, reading: Reading) -> float:
        wait_s = _RETRY_S[min(self._refusals, len(_RETRY_S) - 1)]
        self._refusals += 1
        self._retry_at_ns = reading.boot_ns + round(wait_s * NS_PER_S)
        if refused.number == errno.ENOSPC:
            self._room.refused()
        if facts := self._gaps.begin("disk_error", reading, str(refused)):
            log.error("camera %s: the disk refuses footage: %s", self._camera, refused)
            self._ledger.put(facts)
        self._tally.refused(str(refused), self._ledger.backlog)
        return wait_s

    def _look(self) -> Reading:
        """Both clocks; steps are recorded, and footage without a date gets one as soon as it can."""
        reading = self._clock.read()
        if step := self._watch.look(reading):
            self._ledger.put(step)
        self._dater.date(reading)
        return reading
