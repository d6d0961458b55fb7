"""Writes the seeds of tests/fuzz/corpus: the smallest sound input of each kind, made by our own encoder and signer. Run it again when a
format changes (`python -m tests.fuzz.seeds`); files named crash-* are what fuzzing found and stay."""

from __future__ import annotations

import tempfile
from base64 import urlsafe_b64decode
from pathlib import Path

from edge.bmff.fragment import STAMP_BYTES, init_segment
from edge.bmff.index import TRAILER_BYTES, encode_index
from edge.bmff.nal import START_CODE
from edge.messages.package import CHECKPOINT_TYPE, SIGNATURE_NAME, STATEMENT_NAME, STATEMENT_TYPE
from edge.messages.stream import Codec
from edge.seal.jws import sign_compact
from tests.fuzz.targets import ROOT
from tests.support.attacks import nals_of, sei_of
from tests.support.footage import Written, write_segment
from tests.support.memory_file import remuxed
from tests.support.oracle.make_sei import make, values
from tests.support.sealed_package import Draft, journal_lines, proof_of, segment_record
from tests.support.signed import annexb, sign_span, write_clip
from tests.support.town import node, town
from tests.support.vectors import CODECS
from tests.support.video import encode, gops

CORPUS = Path(__file__).parent / "corpus"


def put(target: str, name: str, data: bytes) -> None:
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def package_of(clip: bytes, codec: Codec) -> bytes:
    """As the target takes it apart."""
    lines = journal_lines([segment_record(7, -1, 9, "0" * 64)])
    with tempfile.TemporaryDirectory() as name:
        folder = Draft(node(), [("film.mp4", clip, 0.0, 0.16)], [proof_of(lines, node())]).write(Path(name))
        parts = [(folder / file).read_bytes() for file in (STATEMENT_NAME, SIGNATURE_NAME, "film.mp4")]
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def main() -> None:
    ROOT.write_bytes(town().root)
    for codec in CODECS:
        span = sign_span(encode(codec, 6, gop=2, width=256, height=16), node(), codec)
        written: Written = write_segment(span.packets, codec)
        put("segment", f"{codec}.mp4", written.data)
        clip = write_clip(span.whole_gops(0, 2), codec)
        put("mp4", f"{codec}-clip.mp4", clip)
        put("mp4", f"{codec}-fragments.mp4", written.body)
        put("mp4", f"{codec}-foreign.mp4", remuxed(clip, "mp4"))
        put("verify", f"{codec}.mp4", clip)
        put("verify", f"{codec}.raw", annexb(span.whole_gops(0, 2)))
        put("package", codec, package_of(clip, codec))
        put("matroska", f"{codec}.mkv", remuxed(clip, "matroska"))
        put("annexb", codec, annexb(span.whole_gops(0, 1)))
        index = encode_index(written.index)
        put("tables", f"{codec}-index", index[: -TRAILER_BYTES - 4])
        entry = written.index.fragments[1]
        put("tables", f"{codec}-run", written.data[entry.offset + STAMP_BYTES : entry.offset + entry.length])
        put("init", codec, init_segment(written.params, 256, 16))
        put("nals", codec, b"".join(START_CODE + nal[:60] for nal in nals_of(span.packets[0])))
        put("sei", codec, sei_of(codec, gops(span.packets)[1][0]))
    said = {"version": 1, "partial": False, "start": 5, "end": 0, "counter": 1, "count": 2, "gop_hash": bytes(32), "link": bytes(32)}
    put("sei", "version-1", make("h264", values({**said, "hashes": [bytes(32)]}), b"\x30" * 70, flags=0, prevention=False)[0])
    put("sei", "certificate", make("h265", values({"certificates": b"-"}), b"\x30" * 70, place="suffix", flags=0x80)[0])
    for typ in (CHECKPOINT_TYPE, STATEMENT_TYPE):
        header, payload, signature = sign_compact(node(), typ, b'{"v":1}').encode().split(b".")
        parts = (urlsafe_b64decode(header + b"=="), urlsafe_b64decode(payload + b"=="), urlsafe_b64decode(signature + b"=="))
        put("statement", typ.split("+")[0], b"\n\n".join((*parts, node().certificates)))
    put("certificates", "chain", node().certificates + town().root)


if __name__ == "__main__":
    main()
