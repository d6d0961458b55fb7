"""What became of each record, from files alone and without the product's readers: the node's journals are the truth, the centre's copy and
what a foreign subscriber heard are compared with them."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.support.agents import NODE


def whole_lines(path: Path) -> list[bytes]:
    """A journal's file has zeros reserved behind its last record."""
    return [line for line in path.read_bytes().split(b"\n")[:-1] if line.startswith(b"{")]


def written(data: Path) -> dict[str, list[bytes]]:
    """Journal -> its lines on the node, in order."""
    found = {}
    for folder in sorted((data / "journal").iterdir()):
        lines = [line for path in folder.glob("*.jsonl") for line in whole_lines(path)]
        found[folder.name] = sorted(lines, key=lambda line: int(json.loads(line)["seq"]))
    return found


def stored(centre: Path) -> dict[str, list[bytes]]:
    """Journal -> its lines at the centre, as they stand in the file."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for path in sorted((centre / "nodes" / NODE / "journal").glob("*.jsonl")):
        if not path.name.endswith(".notes.jsonl"):
            found[path.name.rsplit(".", 2)[0]] += whole_lines(path)
    return found


@dataclass(frozen=True)
class Heard:
    at_ms: int
    journal: str
    epoch: str
    seq: int
    said_ms: int


def heard(file: Path) -> list[Heard]:
    found = []
    for line in file.read_text("utf-8").splitlines():
        words = line.split()
        if len(words) == 7:
            found.append(Heard(int(words[0]), words[1], words[2], int(words[3]), int(words[4])))
    return found


@dataclass
class Count:
    """lost: on the node, not at the centre with the same bytes. doubled, misordered: in the centre's files. twice: messages that the
    subscriber heard more than once; disordered: of first arrivals there, those behind a later one; missed: never heard there."""

    records: int = 0
    lost: int = 0
    doubled: int = 0
    misordered: int = 0
    twice: int = 0
    disordered: int = 0
    missed: int = 0
    journals: list[str] = field(default_factory=list)


def count(data: Path, centre: Path, ear: Path) -> Count:
    found = Count()
    at_centre, at_ear = stored(centre), heard(ear)
    for journal, lines in written(data).items():
        there = at_centre.get(journal, [])
        numbers = [json.loads(line)["seq"] for line in there]
        found.journals.append(journal)
        found.records += len(lines)
        found.lost += len(set(lines) - set(there))
        found.doubled += len(numbers) - len(set(numbers))
        found.misordered += sum(later <= earlier for earlier, later in pairwise(numbers))
        _count_heard(found, [each for each in at_ear if each.journal == journal], len(lines))
    return found


def _count_heard(found: Count, messages: list[Heard], records: int) -> None:
    known: set[tuple[str, int]] = set()
    highest: dict[str, int] = defaultdict(int)
    for each in messages:
        if (each.epoch, each.seq) in known:
            found.twice += 1
            continue
        known.add((each.epoch, each.seq))
        found.disordered += each.seq < highest[each.epoch]
        highest[each.epoch] = max(highest[each.epoch], each.seq)
    found.missed += records - len(known)
