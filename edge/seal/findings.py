"""What a verification finds, as codes with numbers; words come later and in two languages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Effect = Literal["contradicts", "unverifiable", "gap", "note"]
"""contradicts: the file is not what was signed. unverifiable: nothing speaks for it. gap: something is missing. note: worth knowing."""
MOST_FINDINGS = 200


@dataclass(slots=True)
class Finding:
    """facts: of the first of `count` findings with this code."""

    effect: Effect
    code: str
    facts: dict[str, str | int]
    count: int = 1


@dataclass(slots=True)
class Findings:
    """Each code once, with its count: a hostile file makes no long list."""

    found: dict[str, Finding] = field(default_factory=dict)

    def add(self, effect: Effect, code: str, count: int = 1, **facts: str | int) -> None:
        known = self.found.get(code)
        if known is not None:
            known.count += count
        elif len(self.found) < MOST_FINDINGS:
            self.found[code] = Finding(effect, code, facts, count)

    def merge(self, other: Findings) -> None:
        for each in other.found.values():
            self.add(each.effect, each.code, each.count, **each.facts)
