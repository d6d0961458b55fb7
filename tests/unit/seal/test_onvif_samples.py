"""edge/seal/verify.py on ONVIF's own signed samples: accepted, and no edit of their pictures is.

"Changed pictures" is judged without the product: FFmpeg cuts the edited file into access units, and the slices in them are compared with
those of the sample. All bits of all slices and 10,000 edits: `make soak` (tests/soak/test_onvif_edits.py).
"""

from __future__ import annotations

import random
from functools import lru_cache

import pytest

from edge.messages.stream import Codec
from tests.support.onvif_edits import NAL_HEADER_BYTES, edit_elsewhere, flip_bit, pictures_are_original, slice_spans
from tests.support.oracle.nal_units import opens_gop
from tests.support.vectors import CODECS, needs_onvif, onvif_root, onvif_sample
from tests.support.verdicts import judged_bytes

pytestmark = needs_onvif
BITS, EDITS = 400, 750
"""For each codec."""


@pytest.mark.parametrize("codec", CODECS)
def test_the_sample_is_accepted(codec: Codec) -> None:
    found = judged_bytes(onvif_sample(codec), onvif_root())
    assert found.verdict == "AUTHENTIC", found.why


def assert_seen(codec: Codec, sample: bytes, start: int, bit: int) -> None:
    """start: where the slice begins. A flip in a unit's header may make it something else than a slice: then a picture is missing, and what
    is left is proven. The last GOP is signed behind its end: without its key frame, its pictures are nobody's."""
    found = judged_bytes(flip_bit(sample, bit), onvif_root())
    refused = {"NOT AUTHENTIC"}
    if bit // 8 < start + NAL_HEADER_BYTES[codec]:
        refused |= {"AUTHENTIC WITH GAPS", "PARTLY VERIFIED"}
    if start == last_key_slice(codec):
        refused |= {"PARTLY VERIFIED"}
    assert found.verdict in refused, f"bit {bit}: {found}"


@lru_cache
def last_key_slice(codec: Codec) -> int:
    sample = onvif_sample(codec)
    return max(start for start, end in slice_spans(sample) if opens_gop(codec, sample[start:end]))


@pytest.mark.parametrize("codec", CODECS)
def test_a_bit_in_the_first_or_last_byte_of_any_slice_is_seen(codec: Codec) -> None:
    """One of the first four bytes' and one of the last byte's bits of each slice: which one changes with the slice."""
    sample = onvif_sample(codec)
    for number, (start, end) in enumerate(slice_spans(sample)):
        assert_seen(codec, sample, start, start * 8 + number % 32)
        assert_seen(codec, sample, start, end * 8 - 1 - number % 8)


@pytest.mark.parametrize("codec", CODECS)
def test_a_bit_anywhere_in_a_slice_is_seen(codec: Codec) -> None:
    sample, chance = onvif_sample(codec), random.Random(codec)
    for _ in range(BITS):
        start, end = chance.choice(slice_spans(sample))
        assert_seen(codec, sample, start, chance.randrange(start * 8, end * 8))


@pytest.mark.parametrize("codec", CODECS)
def test_no_edit_elsewhere_passes_other_pictures_off_as_authentic(codec: Codec) -> None:
    sample, chance = onvif_sample(codec), random.Random(codec)
    passed = 0
    for number in range(EDITS):
        edited = edit_elsewhere(sample, chance)
        if judged_bytes(edited, onvif_root()).verdict == "AUTHENTIC":
            passed += 1
            assert pictures_are_original(edited, sample), f"edit {number}"
    assert 0 < passed < EDITS, "some edits are of bytes that mean nothing, most are not"
