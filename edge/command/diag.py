"""Verb diag: what a crew needs to know of a node in trouble, one bounded document (messages/diag.py). No case: it shows no footage.

args: none    data: as `edge diag --json`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from edge.command.arguments import args_of
from edge.command.looking import Outcome, Seen
from edge.messages.diag import Diagnosis
from edge.messages.wire import CommandClaims, Response


class DiagArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Diags:
    """`check` belongs to the agent's main thread, `do` to that of the errands."""

    def __init__(self, look: Callable[[], Diagnosis]) -> None:
        self._look = look

    def check(self, claims: CommandClaims) -> Seen | None:
        """Raises Refused: bad_args."""
        args_of(claims, DiagArgs)
        return None

    def do(self, claims: CommandClaims) -> Outcome:
        document: dict[str, Any] = msgspec.to_builtins(self._look())
        return Outcome(Response(id=claims.id, state="done", data=document))
