"""Who may come in, and how many at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from edge.errors import Refused

REQUESTS_MAX = 32
LONGEST_NAME = 64
"""ub-common-name (RFC 5280, appendix A)."""


def operator_of(certificate: Mapping[str, Any], operators: Collection[str]) -> str:
    """The one CN of a certificate that TLS has verified. operators: who is admitted, empty: all. Raises Refused: no_operator,
    not_admitted."""
    names = [value for part in certificate.get("subject", ()) for kind, value in part if kind == "commonName"]
    name = names[0] if len(names) == 1 else ""
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise Refused("no_operator", "the client's certificate does not name one operator", remedy="its subject needs exactly one CN")
    if operators and name not in operators:
        raise Refused("not_admitted", f"{name} is not admitted to this node", remedy="ask for it: [serve] operators of the node")
    return str(name)


class Turnstile:
    """Counts who is inside. `most`: in all; `each`: of one operator. One thread."""

    def __init__(self, most: int, each: int, what: str) -> None:
        self._most, self._each, self._what = most, each, what
        self._inside: Counter[str] = Counter()

    @contextmanager
    def pass_through(self, operator: str) -> Iterator[None]:
        """Raises Refused: busy."""
        if self._inside.total() >= self._most:
            raise Refused("busy", f"this node answers {self._most} {self._what} already", remedy="ask again in some seconds")
        if self._inside[operator] >= self._each:
            raise Refused("busy", f"this node answers {self._each} {self._what} of {operator} already", remedy="let one of them end first")
        self._inside[operator] += 1
        try:
            yield
        finally:
            self._inside[operator] -= 1
            if not self._inside[operator]:
                del self._inside[operator]
