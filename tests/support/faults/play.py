"""One runner for all faults: the node speaks, the fault is played, everything must have arrived in the end; what it took becomes a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.support.faults.oracle import Count, count
from tests.support.faults.stage import Stage

ARRIVE_S = 120.0


@dataclass(frozen=True)
class Fault:
    """build: the stage in that folder, for so many seconds between two records. play: calls `begins` and `ends`. noticed_s, back_s: most
    seconds until the node knows, and from the fault's end until a fresh record is heard; None: not asked."""

    name: str
    build: Callable[[Path, float], AbstractContextManager[Stage]]
    play: Callable[[Stage], None]
    every_s: float = 0.05
    noticed_s: float | None = None
    back_s: float | None = None
    arrive_s: float = ARRIVE_S
    root: bool = False


@dataclass(frozen=True)
class Row:
    fault: Fault
    found: Count
    lasted_s: float
    noticed_s: float | None
    back_s: float
    remarks: tuple[str, ...]

    @property
    def failures(self) -> list[str]:
        found, fault = self.found, self.fault
        wrong = [f"{name} {number}" for name, number in _zeros(found) if number]
        if fault.noticed_s is not None and (self.noticed_s is None or self.noticed_s > fault.noticed_s):
            wrong.append(f"noticed after {self.noticed_s} s, not {fault.noticed_s:g}")
        if fault.back_s is not None and self.back_s > fault.back_s:
            wrong.append(f"back after {self.back_s} s, not {fault.back_s:g}")
        return [f"{fault.name}: {each}" for each in wrong]


def _zeros(found: Count) -> list[tuple[str, int]]:
    return [("lost", found.lost), ("doubled", found.doubled), ("out of order", found.misordered + found.disordered)]


def played(fault: Fault, folder: Path) -> Row:
    with fault.build(folder, fault.every_s) as stage:
        stage.speak()
        stage.until_heard(0)
        stage.wait(0.5)
        fault.play(stage)
        stage.until_heard(stage.ended_ms, fault.arrive_s)
        stage.wait(0.5)
        stage.hush()

        def found() -> Count:
            return count(stage.node.data, stage.centre.folder, stage.ear_file)

        try:
            stage.until(lambda: found().lost == 0, "every record is at the centre", fault.arrive_s, 0.5)
        except AssertionError as error:
            print(error)
        back_ms, lost_ms = stage.first_heard_ms(stage.ended_ms), stage.lost_ms(stage.began_ms)
        assert back_ms is not None
        noticed_s = None if lost_ms is None or lost_ms > back_ms else (lost_ms - stage.began_ms) / 1000
        lasted_s, back_s = (stage.ended_ms - stage.began_ms) / 1000, (back_ms - stage.ended_ms) / 1000
        return Row(fault, found(), lasted_s, noticed_s, back_s, tuple(stage.remarks))


def table(rows: Iterable[Row]) -> str:
    """Markdown."""
    head = ("fault", "lasts s", "records", "lost", "doubled", "out of order", "heard twice", "not heard", "noticed s", "back s", "told")
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    total = Count()
    for row in rows:
        found = row.found
        for name in ("records", "lost", "doubled", "misordered", "disordered", "twice", "missed"):
            setattr(total, name, getattr(total, name) + getattr(found, name))
        noticed = "-" if row.noticed_s is None else f"{row.noticed_s:.1f}"
        lines.append(_line(row.fault.name, f"{row.lasted_s:.1f}", found, noticed, f"{row.back_s:.1f}", "; ".join(row.remarks)))
    return "\n".join([*lines, _line("all", "", total, "", "", "")])


def _line(name: str, lasted: str, found: Count, noticed: str, back: str, told: str) -> str:
    numbers = (found.records, found.lost, found.doubled, found.misordered + found.disordered, found.twice, found.missed)
    return "| " + " | ".join((name, lasted, *map(str, numbers), noticed, back, told)) + " |"
