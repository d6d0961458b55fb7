"""Verb identify: the node says who it is. One of the few that are obeyed when asked of all nodes at once.

args: none    data: the document of topic `info`
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from edge.command.arguments import args_of
from edge.messages.wire import CommandClaims, NodeInfo, Response


class IdentifyArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Identify:
    """The agent's main thread. info: what stands in `info` now."""

    def __init__(self) -> None:
        self.info: Callable[[], NodeInfo] | None = None

    def __call__(self, claims: CommandClaims) -> Response:
        """Raises Refused: bad_args."""
        args_of(claims, IdentifyArgs)
        info = self.info() if self.info is not None else None
        return Response(id=claims.id, state="done", data=msgspec.to_builtins(info) if info is not None else {})
