"""tests/support/oracle: the second reading itself - that it is independent, that it accepts what is right, and that it is not blind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge.messages.stream import Codec
from tests.support.attacks import with_slice_bit_flipped, without_picture
from tests.support.footage import write_segment
from tests.support.identities import Town
from tests.support.oracle.containers import open_bytes
from tests.support.oracle.judge import facts_of
from tests.support.signed import annexb, sign_span, write_clip
from tests.support.town import node, town
from tests.support.vectors import CODECS, needs_onvif, onvif_root, onvif_sample
from tests.support.video import encode

ROOT = Path(__file__).resolve().parents[3]
MODULES = ("judge", "containers", "make_sei", "nal_units", "signing_sei")


def test_the_oracle_shares_no_code_with_the_product() -> None:
    assert {path.stem for path in (ROOT / "tests/support/oracle").glob("*.py")} == set(MODULES)
    script = (
        "import importlib, sys\n"
        f"for name in {MODULES!r}: importlib.import_module('tests.support.oracle.' + name)\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'edge'])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@needs_onvif
@pytest.mark.parametrize("codec", CODECS)
def test_the_oracle_accepts_what_onvif_signed(codec: Codec) -> None:
    facts = facts_of(open_bytes(onvif_sample(codec)), onvif_root())
    assert [gop.counter for gop in facts.gops] == [1, 2, 3, 4, 5]
    assert all(gop.whole for gop in facts.gops)
    assert [gop.link_ok for gop in facts.gops] == [None, True, True, True, True]
    assert (facts.all_proven, facts.gapless, facts.unreadable, facts.strays, facts.orphans) == (True, True, 0, 0, [])


@needs_onvif
def test_the_oracle_trusts_no_other_authority_with_onvifs_samples() -> None:
    facts = facts_of(open_bytes(onvif_sample("h264")), town().root)
    assert [(gop.signature_ok, gop.chain_ok) for gop in facts.gops] == [(True, False)] * 5


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("b_frames", [0, 2])
def test_the_oracle_proves_what_our_node_signs_in_every_container(codec: Codec, b_frames: int) -> None:
    span = sign_span(encode(codec, 35, gop=10, b_frames=b_frames), node(), codec)
    clip = write_clip(span.whole_gops(0, 3), codec)
    for data in (clip, write_segment(span.packets, codec).data, annexb(span.packets)):
        facts = facts_of(open_bytes(data, codec), town().root)
        assert [(gop.counter, len(gop.slices), gop.whole, gop.link_ok) for gop in facts.gops[:3]] == [
            (1, 10, True, None),
            (2, 10, True, True),
            (3, 10, True, True),
        ]
        assert [gop.proven for gop in facts.gops[3:]] == [False]
        assert facts.all_proven == (data == clip), "the closing access unit is nobody's picture"
    assert facts_of(open_bytes(clip), Town("another town").root).all_proven is False


@pytest.mark.parametrize("codec", CODECS)
def test_the_oracle_sees_a_bit_and_a_picture_that_is_gone(codec: Codec) -> None:
    span = sign_span(encode(codec, 31, gop=10), node(), codec)
    flipped = facts_of(open_bytes(write_clip(with_slice_bit_flipped(codec, span.packets, 1, 4), codec)), town().root)
    assert [gop.slices.count(False) for gop in flipped.gops[:3]] == [0, 1, 0]
    lost = facts_of(open_bytes(write_clip(without_picture(span.packets, 1, 4), codec)), town().root)
    assert [(gop.proven, gop.absent) for gop in lost.gops[:3]] == [(True, 0), (True, 1), (True, 0)]
    assert (lost.all_proven, lost.gapless) == (True, False)
