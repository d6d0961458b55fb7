"""What keeps pictures from leaving, as it is told to whoever asked."""

from __future__ import annotations

TIMEOUT_S = 5
"""Of each step of opening, and without a byte taken."""


class Refusal(Exception):
    """code: see docs/design/live.md. text: without secrets."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
