"""EBML elements (RFC 8794) in files nobody vouches for: headers, numbers, and the children of small elements in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge.errors import IntegrityError
from edge.seal.container import FileBytes

_MOST_CHILDREN = 10_000
_LONGEST_HEADER = 12


@dataclass(frozen=True, slots=True)
class Element:
    """Offsets where it was found. end: None of one whose size is unknown (a live stream's)."""

    identifier: int
    body: int
    end: int | None


def element_at(source: FileBytes, at: int) -> Element | None:
    """None where no header stands."""
    return _element(source.read(at, _LONGEST_HEADER), 0, at)


def child_elements(data: bytes) -> dict[int, list[bytes]]:
    """Bodies by identifier. Raises IntegrityError where they do not follow one another."""
    found: dict[int, list[bytes]] = {}
    at = 0
    for _ in range(_MOST_CHILDREN):
        if at >= len(data):
            return found
        each = _element(data, at, 0)
        if each is None or each.end is None or each.end > len(data):
            break
        found.setdefault(each.identifier, []).append(data[each.body : each.end])
        at = each.end
    raise IntegrityError("its elements do not follow one another")


def variable_number(data: bytes, at: int) -> tuple[int, int] | None:
    """(value without its length marker, bytes it takes); None where it is cut off or longer than eight bytes."""
    length = _length(data, at)
    if length is None or length > 8:
        return None
    return int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1), length


def _element(data: bytes, at: int, origin: int) -> Element | None:
    """data[0] stands at `origin`."""
    id_length = _length(data, at)
    if id_length is None or id_length > 4:
        return None
    size = variable_number(data, at + id_length)
    if size is None:
        return None
    body = origin + at + id_length + size[1]
    unknown = size[0] == (1 << 7 * size[1]) - 1
    return Element(int.from_bytes(data[at : at + id_length], "big"), body, None if unknown else body + size[0])


def _length(data: bytes, at: int) -> int | None:
    """Of a variable-size integer, by its first byte's leading zeros."""
    if at >= len(data) or data[at] == 0:
        return None
    length = 9 - data[at].bit_length()
    return length if at + length <= len(data) else None


def unsigned(bodies: list[bytes] | None, default: int) -> int:
    """The first body as an unsigned integer."""
    return int.from_bytes(bodies[0][:8], "big") if bodies else default


def elements(source: FileBytes, at: int, into: frozenset[int]) -> Iterator[Element]:
    """Every element from `at` on; those in `into` are opened (their children follow), others stepped over. Ends where the elements do.

    One that reaches beyond the element it is in is no element any more: there it ends too, and the last one given has `end` None."""
    ends: list[int] = []
    while at < source.size:
        each = element_at(source, at)
        while ends and at >= ends[-1]:
            ends.pop()
        if each is None or (each.end is not None and ends and each.end > ends[-1] and ends[-1] <= source.size):
            yield Element(0, at, None)
            return
        yield each
        if each.identifier in into:
            if each.end is not None and len(ends) < len(into) + 1:
                ends.append(each.end)
            at = each.body
        elif each.end is None:
            yield Element(0, at, None)
            return
        else:
            at = each.end
