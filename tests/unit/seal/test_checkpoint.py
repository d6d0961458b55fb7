"""What a checkpoint signs, and that nothing else passes for one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import ManualClock
from edge.messages.evidence import CheckpointClaims, Head
from edge.messages.package import CHECKPOINT_TYPE, STATEMENT_TYPE
from edge.seal.checkpoint import LARGEST_HEADS, BadCheckpoint, claims_of, read_checkpoint, sign_checkpoint
from edge.seal.jws import sign_compact, verify
from tests.support.identities import Town, identity_of

TOWN = Town()
IDENTITY = identity_of(TOWN, "pole-1")
HEADS = [
    Head(journal=f"recorder.cam{number}", epoch="0" * 15 + str(number), seq=number + 1, sha256=str(number) * 64) for number in range(4)
]


def claims(**changes: Any) -> CheckpointClaims:
    made = claims_of("pole-1", "boot", ManualClock().read(), HEADS, "clip-1")
    return msgspec.structs.replace(made, **changes)


def test_what_was_signed_is_read_back_and_verifies_with_its_certificate_alone() -> None:
    checkpoint = sign_checkpoint(IDENTITY, claims())
    read = read_checkpoint(checkpoint.jws)
    assert read.claims == claims()
    assert read.claims.clip == "clip-1"
    assert read.jws.fingerprint == checkpoint.fingerprint == IDENTITY.fingerprint
    assert verify(read.jws, IDENTITY.certificates)
    assert not verify(read.jws, identity_of(TOWN, "pole-2").certificates)


def test_a_statement_about_a_clip_is_no_checkpoint() -> None:
    with pytest.raises(BadCheckpoint, match="another kind"):
        read_checkpoint(sign_compact(IDENTITY, STATEMENT_TYPE, msgspec.json.encode(claims())))


@pytest.mark.parametrize(
    "changes",
    [
        {"node": "../x"},
        {"node": ""},
        {"t": "yesterday"},
        {"t": "2026-11-22T13:05:00"},
        {"clock": "guessed"},
        {"mono_ms": "1"},
        {"heads": [msgspec.structs.replace(HEADS[0], seq=0)]},
        {"heads": [msgspec.structs.replace(HEADS[0], sha256="A" * 64)]},
        {"heads": [msgspec.structs.replace(HEADS[0], epoch="0")]},
        {"heads": [msgspec.structs.replace(HEADS[0], journal="a/b")]},
        {"heads": [HEADS[0], msgspec.structs.replace(HEADS[0], seq=9)]},
        {"heads": [msgspec.structs.replace(HEADS[0], journal=f"j{number}") for number in range(LARGEST_HEADS + 1)]},
    ],
)
def test_signed_nonsense_is_no_checkpoint(changes: dict[str, Any]) -> None:
    with pytest.raises(BadCheckpoint):
        read_checkpoint(sign_compact(IDENTITY, CHECKPOINT_TYPE, msgspec.json.encode(claims(**changes))))


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,90}", fullmatch=True))
def test_any_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadCheckpoint):
        read_checkpoint(text)


def test_more_journals_than_fit_into_a_record_are_refused_before_they_are_written() -> None:
    many = [msgspec.structs.replace(HEADS[0], journal=f"recorder.{number}") for number in range(LARGEST_HEADS)]
    with pytest.raises(ValueError, match="too large"):
        sign_checkpoint(IDENTITY, claims(heads=many))
