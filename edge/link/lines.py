"""What the link needs of a journal. `edge.journal` has it: JournalReader and Cursor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from edge.messages.records import Record


class Line(Protocol):
    """raw: the line's bytes without its newline."""

    @property
    def seq(self) -> int: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def record(self) -> Record: ...


class Lines(Protocol):
    """A journal being read."""

    def read(self, after_seq: int = 0, limit: int | None = None) -> Iterator[Line]: ...
    def since(self, utc_text: str) -> Iterator[Line]: ...
    def epoch(self) -> str: ...
    def last(self) -> Line | None: ...


class Place(Protocol):
    """A durable cursor."""

    def get(self) -> tuple[str, int]: ...
    def advance(self, epoch: str, upto: int) -> object: ...
