"""Ten thousand payloads that are nearly a command: none is carried out, none raises, each is refused."""

from __future__ import annotations

import random
from collections import Counter

from edge.command.dispatch import COMMAND_MAX_BYTES
from edge.link.inbox import CommandNews
from tests.support.obeying import Node

PAYLOADS = 10_000
SEED = 20261126
_PIECES = (b"", b".", b"..", b"=", b"\0", b"\xff\xfe", b"{}", b'"', b"eyJhbGciOiJub25lIn0", b"eyJhbGciOiJIUzI1NiJ9", b"A" * 64)


def mutated(rng: random.Random, token: bytes, others: list[bytes]) -> bytes:
    """One to three changes: bits, bytes, cuts, doubled and swapped parts, parts of other commands."""
    made = bytearray(token)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(made) + 1)
        kind = rng.randrange(7)
        if kind == 0 and made:
            made[at % len(made)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            made[at:at] = rng.choice(_PIECES)
        elif kind == 2:
            del made[at : at + rng.randint(1, 40)]
        elif kind == 3:
            del made[at:]
        elif kind == 4:
            made[at:at] = rng.randbytes(rng.choice((1, 16, 300, COMMAND_MAX_BYTES)))
        elif kind == 5:
            parts, other = bytes(made).split(b"."), rng.choice(others).split(b".")
            place = rng.randrange(len(parts))
            parts[place] = other[place % len(other)]
            made = bytearray(b".".join(parts))
        else:
            parts = bytes(made).split(b".")
            rng.shuffle(parts)
            made = bytearray(b".".join(parts))
    return bytes(made)


def test_ten_thousand_payloads_that_are_nearly_a_command_are_all_refused() -> None:
    node, rng = Node(), random.Random(SEED)
    good = [node.token(f"c{number}", case="x" * number) for number in range(20)]
    codes: Counter[str] = Counter()
    for _ in range(PAYLOADS):
        payload = mutated(rng, rng.choice(good), good)
        if payload in good:
            continue
        node.clock.advance(0.01)
        before = len(node.answers)
        node.dispatcher.take(CommandNews("note", payload, False, 300, b"corr"))
        codes.update(response.code for _, response, _ in node.answers[before:])
    assert node.done == []
    assert node.ledger.entries() == []
    assert set(codes) <= {"bad_signature", "too_large", "bad_claims"}, codes
    assert codes["bad_signature"]
    assert node.take(good[0]).state == "accepted"
