"""Real journals on a disk in memory, and a centre in a few lines that takes what lanes send."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from edge.clock import ManualClock
from edge.host.model_disk import ModelDisk
from edge.journal.cursor import Cursor
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.link.growth import growth_of
from edge.link.lane import Lane
from edge.link.port import Acknowledged, Connected, Disconnected, Outgoing
from edge.link.publish import Publisher
from edge.messages.records import Record, Stop
from edge.messages.wire import Ack, Event, JournalGap, Watermark

BOOT = "0a0a0a0a-0000-4000-8000-000000000000"


class JournalBench:
    """One journal and a lane over it."""

    def __init__(self, name: str = "watcher", disk: ModelDisk | None = None) -> None:
        self.name = name
        self.disk = disk or ModelDisk()
        self.clock = ManualClock()
        self.folder = Path("/data/journal") / name
        self.writer = JournalWriter(self.disk, self.folder, self.clock, BOOT)
        self.writer.open()

    def write(self, count: int, reason: str = "test") -> None:
        self.writer.append_all([Stop(reason=reason) for _ in range(count)])

    def lane(self, *, by_centre: bool = True, ahead: int = 256) -> Lane:
        cursor = Cursor(self.disk, Path("/data/cursor") / self.name)
        reader = JournalReader(self.disk, self.folder)
        return Lane("pole-1", self.name, reader, cursor, growth_of(self.disk, self.folder), by_centre=by_centre, ahead=ahead)

    def stored(self) -> tuple[str, int]:
        return Cursor(self.disk, Path("/data/cursor") / self.name).get()


@dataclass
class PaperCentre:
    """Takes records in order, as the real one does; `lines` are what it has of each journal."""

    lines: dict[str, list[bytes]] = field(default_factory=dict)
    upto: dict[str, int] = field(default_factory=dict)
    gaps: list[JournalGap] = field(default_factory=list)
    duplicates: int = 0
    epoch: str = ""
    hole: bool = False

    def take(self, payload: bytes, *, gap: bool = False) -> None:
        if gap:
            notice = msgspec.json.decode(payload, type=JournalGap)
            self._place(notice.journal, notice.from_seq, notice.to_seq, notice.epoch, None)
            if self.upto[notice.journal] == notice.to_seq and notice not in self.gaps:
                self.gaps.append(notice)
            return
        event = msgspec.json.decode(payload, type=Event)
        record = msgspec.json.decode(event.record, type=Record)
        self._place(event.journal, record.seq, record.seq, event.epoch, bytes(event.record))

    def _place(self, journal: str, first: int, last: int, epoch: str, raw: bytes | None) -> None:
        self.epoch = epoch
        upto = self.upto.setdefault(journal, 0)
        if last <= upto:
            self.duplicates += 1
        elif first > upto + 1:
            self.hole = True
        else:
            self.upto[journal] = last
            if raw is not None:
                self.lines.setdefault(journal, []).append(raw)

    def ack(self) -> Ack:
        hole, self.hole = self.hole, False
        return Ack(watermarks={name: Watermark(epoch=self.epoch, upto=upto, resend=hole) for name, upto in self.upto.items()})

    def chain_is_whole(self, journal: str) -> bool:
        lines = self.lines[journal]
        hashes = [hashlib.sha256(line).hexdigest() for line in lines]
        return [msgspec.json.decode(line, type=Record).prev for line in lines[1:]] == hashes[:-1]


class Wire:
    """A link whose acknowledgements are given by the test. Messages on `poison` payloads break it."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.waiting: list[Outgoing] = []
        self.number = 0

    def send(self, message: Outgoing) -> None:
        self.sent.append(message)
        if message.qos > 0:
            self.waiting.append(message)

    def connect(self, publisher: Publisher, now_s: float, *, window: int = 65_535, present: bool = True, most: int | None = None) -> None:
        self.number += 1
        publisher.connected(Connected(self.number, present, window, most), now_s)

    def acknowledge(self, publisher: Publisher, now_s: float, code: int = 0, count: int | None = None) -> list[Outgoing]:
        taken = self.waiting[:count]
        self.waiting = self.waiting[len(taken) :]
        for message in taken:
            publisher.acknowledged(Acknowledged(message.connection, message.token, code), now_s)
        return taken

    def break_(self, publisher: Publisher, now_s: float, *, by_peer: bool = True) -> None:
        self.waiting.clear()
        publisher.disconnected(Disconnected(self.number, by_peer, 0, "cut by the test"), now_s)
