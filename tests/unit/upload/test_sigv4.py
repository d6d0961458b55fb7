"""Signatures against Amazon's published examples, and against Amazon's own library on generated requests."""

from __future__ import annotations

from datetime import datetime, timezone
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from edge.upload.sigv4 import Signer

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOON_S = datetime(2013, 5, 24, tzinfo=timezone.utc).timestamp()
HOST = "https://examplebucket.s3.amazonaws.com"


def signer(now_s: float = NOON_S) -> Signer:
    return Signer(KEY_ID, SECRET, "us-east-1", lambda: now_s)


@pytest.mark.parametrize(
    ("method", "path", "headers", "signature"),
    [
        ("GET", "/test.txt", {"Range": "bytes=0-9"}, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        (
            "PUT",
            "/test%24file.text",
            {
                "Date": "Fri, 24 May 2013 00:00:00 GMT",
                "x-amz-storage-class": "REDUCED_REDUNDANCY",
                "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            },
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "/?lifecycle", {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("GET", "/?max-keys=2&prefix=J", {}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_the_published_examples_come_out(method: str, path: str, headers: dict[str, str], signature: str) -> None:
    assert signer().sign(method, HOST + path, headers)["Authorization"].endswith(f"Signature={signature}")


words = st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=1, max_size=12)


@given(
    method=st.sampled_from(["GET", "HEAD", "PUT", "DELETE"]),
    steps=st.lists(words, min_size=1, max_size=3),
    tag=st.text("abc XYZ/+=", max_size=20),
    now_s=st.integers(0, 4_000_000_000),
)
def test_amazons_library_makes_the_same_signature(method: str, steps: list[str], tag: str, now_s: int) -> None:
    url = f"http://127.0.0.1:9000/bucket/{'/'.join(quote(step, safe='') for step in steps)}"
    headers = {"Content-Type": "application/octet-stream", "x-amz-meta-tag": tag}
    ours = signer(now_s).sign(method, url, headers)
    judge = S3SigV4Auth(Credentials(KEY_ID, SECRET), "s3", "us-east-1")
    signed = {name: value for name, value in {**headers, **ours}.items() if name != "Authorization"}
    request = AWSRequest(method, url, signed)
    request.context["timestamp"] = ours["x-amz-date"]
    signature = judge.signature(judge.string_to_sign(request, judge.canonical_request(request)), request)
    assert ours["Authorization"].endswith(f"Signature={signature}")


def test_the_servers_time_is_learnt_once() -> None:
    ours = signer()
    assert ours.sign("GET", HOST, {})["x-amz-date"] == "20130524T000000Z"
    assert ours.learn("Sat, 25 May 2013 12:00:00 GMT")
    assert ours.sign("GET", HOST, {})["x-amz-date"] == "20130525T120000Z"
    assert not ours.learn("Sat, 25 May 2013 12:00:30 GMT")


@pytest.mark.parametrize("date", ["", "soon", "Fri, 99 May 2013 00:00:00 GMT"])
def test_no_date_teaches_nothing(date: str) -> None:
    assert not signer().learn(date)
