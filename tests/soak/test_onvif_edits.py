"""ONVIF's samples, all of it: every bit of every slice, and 10,000 edits elsewhere. The default run takes samples of both
(tests/unit/seal/test_onvif_samples.py).

Each bit is flipped in a film of its GOP and what follows up to the access unit with its SEI: as much as is needed to contradict, in
a fraction of the time. EDGE_SOAK_STRIDE: every n-th bit only, 1 if not set.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice

import pytest

from edge.messages.stream import Codec
from tests.support.onvif_edits import NAL_HEADER_BYTES, edit_elsewhere, flip_bit, gop_film, pictures_are_original, slices_of_gop
from tests.support.vectors import CODECS, needs_onvif, onvif_root, onvif_sample
from tests.support.verdicts import judged_bytes

pytestmark = needs_onvif
STRIDE = max(1, int(os.environ.get("EDGE_SOAK_STRIDE", "1")))
EDITS = 5_000
GOPS = 5
BATCH = 20_000


def passed_bits(codec: Codec, gop: int, first: int, last: int) -> list[int]:
    """Bits from `first` up to `last` of the GOP's slices, one behind the other, whose flip was not seen.

    Seen is NOT AUTHENTIC. A flip in a unit's header may make it something else than a slice: then a picture is missing, which is no
    contradiction."""
    film, root = gop_film(onvif_sample(codec), gop), onvif_root()
    spans = slices_of_gop(onvif_sample(codec), gop)
    bits = ((start, bit) for start, end in spans for bit in range(start * 8, end * 8))
    found = []
    for start, bit in islice(bits, first, last, STRIDE):
        verdict = judged_bytes(flip_bit(film, bit), root).verdict
        excused = bit // 8 < start + NAL_HEADER_BYTES[codec]
        if verdict != "NOT AUTHENTIC" and not (excused and verdict in ("AUTHENTIC WITH GAPS", "PARTLY VERIFIED")):
            found.append(bit)
    return found


def batches(codec: Codec) -> Iterator[tuple[Codec, int, int, int]]:
    for gop in range(GOPS):
        bits = 8 * sum(end - start for start, end in slices_of_gop(onvif_sample(codec), gop))
        yield from ((codec, gop, first, min(first + BATCH, bits)) for first in range(0, bits, BATCH))


@pytest.mark.timeout(8 * 3600)
@pytest.mark.parametrize("codec", CODECS)
def test_every_bit_of_every_slice_is_seen(codec: Codec) -> None:
    for gop in range(GOPS):
        assert judged_bytes(gop_film(onvif_sample(codec), gop), onvif_root()).verdict in ("PARTLY VERIFIED", "AUTHENTIC")
    with ProcessPoolExecutor() as pool:
        assert [bit for found in pool.map(passed_bits, *zip(*batches(codec), strict=True)) for bit in found] == []


def accepted_edits(codec: Codec, seed: int, count: int) -> tuple[int, list[int]]:
    """(how many were called AUTHENTIC, which of them show other pictures)."""
    sample, root, accepted, wrong = onvif_sample(codec), onvif_root(), 0, []
    for number in range(count):
        edited = edit_elsewhere(sample, random.Random(f"{seed}-{number}"))
        if judged_bytes(edited, root).verdict == "AUTHENTIC":
            accepted += 1
            if not pictures_are_original(edited, sample):
                wrong.append(number)
    return accepted, wrong


@pytest.mark.timeout(8 * 3600)
@pytest.mark.parametrize("codec", CODECS)
def test_ten_thousand_edits_elsewhere(codec: Codec) -> None:
    """Half of them of each sample."""
    share = EDITS // 10
    with ProcessPoolExecutor() as pool:
        results = list(pool.map(accepted_edits, [codec] * 10, range(10), [share] * 10))
    assert [wrong for _, each in results for wrong in each] == []
    assert 0 < sum(accepted for accepted, _ in results) < EDITS
