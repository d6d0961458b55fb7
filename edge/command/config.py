"""Verb config: a node's configuration, looked at and tuned from afar.

    args: {"do": "show"}
          {"do": "check", "toml": document}
          {"do": "apply", "toml": document, "sha256_before": of the document in force, "confirm_s": 10-3600 (300)}

show and check answer at once: `data` is the document without comments and secrets, or everything that is wrong with the one given. apply
answers accepted when it is on record; then the supervisor puts it in force for confirm_s and starts the processes anew that read what
changed; done when the node is connected and records under it, failed (rolled_back) when it is not in time: the one before is in force
again. Refused: bad_args, bad_config (with `data.problems`), config_differs, not_possible, busy. What may be changed at all:
config/afar.py.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from edge.command.arguments import args_of
from edge.command.config_desk import Change, ConfigDesk
from edge.config import shown
from edge.config.afar import Considered, consider
from edge.config.read import Loaded
from edge.errors import Refused
from edge.health.troubles import without_values
from edge.messages.config import CONFIRM_MAX_S, CONFIRM_MIN_S, CONFIRM_S
from edge.messages.wire import CommandClaims, Response

VERB = "config"
_SHOWN_PROBLEMS = 40


class ConfigArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    do: Literal["show", "check", "apply"]
    toml: str = ""
    sha256_before: str = ""
    confirm_s: int = CONFIRM_S


class ConfigVerb:
    """Verb and what follows it; the agent's main thread."""

    def __init__(self, loaded: Loaded, desk: ConfigDesk) -> None:
        self._loaded, self._desk = loaded, desk

    def __call__(self, claims: CommandClaims) -> Response:
        """Raises Refused."""
        args = args_of(claims, ConfigArgs)
        if args.do == "show":
            return Response(id=claims.id, state="done", data=self._shown())
        considered = consider(self._loaded, args.toml)
        if args.do == "check":
            return Response(id=claims.id, state="done", data=told(considered))
        if not CONFIRM_MIN_S <= args.confirm_s <= CONFIRM_MAX_S or not args.sha256_before:
            raise Refused("bad_args", f"apply needs sha256_before; confirm_s must be {CONFIRM_MIN_S}-{CONFIRM_MAX_S}")
        if considered.problems:
            text = "; ".join(str(problem) for problem in considered.problems[:3])
            return Response(id=claims.id, state="refused", code="bad_config", text=text, data=told(considered))
        if considered.sha256 == self._loaded.sha256:
            return Response(id=claims.id, state="done", text="it is in force already", data={"sha256": considered.sha256})
        self._desk.check(claims.id, args.sha256_before)
        return Response(id=claims.id, state="accepted")

    def begin(self, claims: CommandClaims) -> None:
        args = args_of(claims, ConfigArgs)
        considered = consider(self._loaded, args.toml)
        self._desk.begin(Change(claims.id, claims.operator, claims.case, args.toml, considered, args.confirm_s))

    def resume(self, claims: CommandClaims) -> None:
        """A trial that goes on is met by `look`; one that was never written begins now."""
        if not self._desk.knows(claims.id):
            self.begin(claims)

    def look(self) -> list[Response]:
        return self._desk.look()

    def _shown(self) -> dict[str, Any]:
        return {
            "sha256": self._loaded.sha256,
            "toml": shown.document(self._loaded),
            "values": shown.origins(self._loaded),
            "errors": without_values(self._loaded.fault.errors) if self._loaded.fault is not None else [],
        }


def told(considered: Considered) -> dict[str, Any]:
    """What was found, as an answer."""
    return {
        "ok": not considered.problems,
        "sha256": considered.sha256,
        "problems": [{"path": problem.path, "text": problem.text[:300]} for problem in considered.problems[:_SHOWN_PROBLEMS]],
        "left_out": max(0, len(considered.problems) - _SHOWN_PROBLEMS),
        "changed": list(considered.changed[:_SHOWN_PROBLEMS]),
        "restarts": list(considered.units),
    }
