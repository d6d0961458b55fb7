"""Writes the seeds of tests/fuzz/corpus: the smallest sound input of each kind, made by our own encoder and signer. Run it again when a
format changes (`python -m tests.fuzz.seeds`); files named crash-* are what fuzzing found and stay."""

from __future__ import annotations

from pathlib import Path

from edge.bmff.fragment import init_segment
from edge.bmff.nal import START_CODE
from edge.messages.package import CHECKPOINT_TYPE, STATEMENT_TYPE
from edge.seal.jws import sign_compact, sign_detached
from tests.support.attacks import nals_of, sei_of
from tests.support.footage import Written, write_segment
from tests.support.oracle.make_sei import make, values
from tests.support.signed import sign_span
from tests.support.town import node, town
from tests.support.vectors import CODECS
from tests.support.video import encode, gops

CORPUS = Path(__file__).parent / "corpus"


def put(target: str, name: str, data: bytes) -> None:
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def main() -> None:
    for codec in CODECS:
        span = sign_span(encode(codec, 6, gop=2, width=256, height=16), node(), codec)
        written: Written = write_segment(span.packets, codec)
        put("segment", f"{codec}.mp4", written.data)
        put("init", codec, init_segment(written.params, 256, 16))
        put("nals", codec, b"".join(START_CODE + nal[:60] for nal in nals_of(span.packets[0])))
        put("sei", codec, sei_of(codec, gops(span.packets)[1][0]))
    said = {"version": 1, "partial": False, "start": 5, "end": 0, "counter": 1, "count": 2, "gop_hash": bytes(32), "link": bytes(32)}
    put("sei", "version-1", make("h264", values({**said, "hashes": [bytes(32)]}), b"\x30" * 70, flags=0, prevention=False)[0])
    put("sei", "certificate", make("h265", values({"certificates": b"-"}), b"\x30" * 70, place="suffix", flags=0x80)[0])
    put("statement", "compact", sign_compact(node(), CHECKPOINT_TYPE, b'{"v":1}').encode() + b"\n\n" + node().certificates)
    put("statement", "detached", sign_detached(node(), STATEMENT_TYPE, b"{}").encode() + b"\n\n{}")
    put("certificates", "chain", node().certificates + town().root)


if __name__ == "__main__":
    main()
