from __future__ import annotations

import msgspec

from edge.clock import ManualClock, Reading
from edge.errors import StorageError
from edge.messages.records import Facts, Record, Stop
from edge.ring.ledger import Ledger


class FickleJournal:
    """Refuses while told to."""

    def __init__(self) -> None:
        self.refuses = False
        self.attempts = 0
        self.written: list[tuple[str, int]] = []

    def append(self, facts: Facts, camera: str | None = None, reading: Reading | None = None) -> Record:
        self.attempts += 1
        if self.refuses:
            raise StorageError("refused")
        assert isinstance(facts, Stop)
        assert reading is not None
        self.written.append((facts.reason, reading.boot_ns))
        return Record(seq=1, t="", clock="trusted", mono_ms=0, boot="", type="stop", facts=msgspec.Raw(b"{}"), prev="")


def made(limit: int = 100) -> tuple[Ledger, FickleJournal, ManualClock]:
    clock, journal = ManualClock(), FickleJournal()
    return Ledger(journal, clock, "cam0", limit), journal, clock


def test_what_is_refused_is_written_later_in_order_with_its_own_time() -> None:
    ledger, journal, clock = made()
    times = []
    for word in ("a", "b", "c"):
        journal.refuses = word != "a"
        times.append(clock.boot_ns())
        ledger.put(Stop(reason=word))
        clock.advance(1.0)
    assert ledger.backlog == 2
    journal.refuses = False
    clock.advance(5.0)
    assert ledger.flush()
    assert journal.written == list(zip(("a", "b", "c"), times, strict=True))
    assert ledger.backlog == 0


def test_a_journal_that_refuses_is_not_asked_all_the_time() -> None:
    ledger, journal, clock = made()
    journal.refuses = True
    for _ in range(20):
        ledger.put(Stop(reason="x"))
        clock.advance(0.1)
    assert journal.attempts <= 2
    assert not ledger.flush(now=True)
    assert journal.attempts <= 3


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    ledger, journal, clock = made(limit=3)
    journal.refuses = True
    for word in "abcde":
        ledger.put(Stop(reason=word))
    assert (ledger.backlog, ledger.lost) == (3, 2)
    journal.refuses = False
    clock.advance(5.0)
    ledger.flush()
    assert [word for word, _ in journal.written] == ["c", "d", "e"]
