"""What is recorded before anybody sees anything, and how much one operator may ask for."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import Executor
from itertools import islice

from edge.audit.local_journal import WRITER, record_before
from edge.clock import NS_PER_MS, NS_PER_S, Clock, Reading, monotonic_s, parse_utc
from edge.config.model import NodeConfig
from edge.errors import Refused, StorageError
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.messages.evidence import Exported, Viewed
from edge.messages.records import Record, facts_of
from edge.ring.layout import folders_of

HOUR_S = 3600
_KNOWN_MAX = 1000
_LINES_MAX = 20_000


class Register:
    """`writer` runs one record at a time. The methods belong to the event loop's thread."""

    def __init__(self, config: NodeConfig, per_hour: int, disk: Disk, clock: Clock, boot: str, writer: Executor) -> None:
        self._config, self._per_hour, self._clock, self._boot, self._writer = config, per_hour, clock, boot, writer
        self._journal = JournalReader(disk, folders_of(config).journal(WRITER))
        self._known: OrderedDict[Hashable, float] = OrderedDict()

    async def record(self, facts: Viewed | Exported, again: Hashable = None) -> None:
        """On disk when it returns. again: what is the same for all requests that go on with this one; they are recorded once an hour.
        Raises Refused: not_recorded, quota."""
        now_s = monotonic_s()
        if again is not None and now_s - self._known.get(again, -HOUR_S) < HOUR_S:
            return
        await asyncio.get_running_loop().run_in_executor(self._writer, self._write, facts)
        if again is not None:
            self._known[again] = now_s
            self._known.move_to_end(again)
            if len(self._known) > _KNOWN_MAX:
                self._known.popitem(last=False)

    def _write(self, facts: Viewed | Exported) -> None:
        try:
            taken = self._taken(facts.operator)
        except StorageError:  # the attempt to write says it better
            taken = 0
        if taken >= self._per_hour:
            text = f"{facts.operator} has {taken} views and exports on record within an hour"
            raise Refused("quota", text, remedy="wait, or raise [serve] per_operator_and_hour of the node")
        record_before(self._config, [facts], facts.camera_id)

    def _taken(self, operator: str) -> int:
        """By the journal, so that a restart gives nobody more. What the operator took with the local tool counts too."""
        now, taken = self._clock.read(), 0
        for line in islice(self._journal.back(), _LINES_MAX):
            record = line.record
            if self._age_ns(record, now) > HOUR_S * NS_PER_S:
                break
            if record.type == "view":
                taken += facts_of(record, Viewed).operator == operator
            elif record.type == "export":
                taken += facts_of(record, Exported).operator == operator
        return taken

    def _age_ns(self, record: Record, now: Reading) -> int:
        if record.boot == self._boot:
            return now.boot_ns - record.mono_ms * NS_PER_MS
        return now.utc_ns - parse_utc(record.t)
