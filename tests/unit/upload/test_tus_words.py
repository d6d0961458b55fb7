from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.host.origin import on_our_origin, origin
from edge.messages.tus import count_of, decode_metadata, encode_metadata, repr_digest, sha256_of, words_of

KEYS = st.text("abcdefgh_-", min_size=1, max_size=8)


@given(st.dictionaries(KEYS, st.text(max_size=20), max_size=5))
def test_metadata_survives_the_wire(pairs: dict[str, str]) -> None:
    assert decode_metadata(encode_metadata(pairs)) == pairs


@pytest.mark.parametrize("header", ["name !!!", "name YQ==,name Yg==", "name /w=="])
def test_malformed_metadata_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="name"):
        decode_metadata(header)


def test_a_digest_is_found_among_others() -> None:
    sha256 = hashlib.sha256(b"x").hexdigest()
    assert sha256_of(repr_digest(sha256)) == sha256
    assert sha256_of(f"sha-512=:AAAA:, {repr_digest(sha256)}") == sha256


@pytest.mark.parametrize("header", ["", "sha-256=:AAAA:", "sha-256=AAAA", "sha-256=:A:", "xsha-256=:" + "A" * 43 + "=:"])
def test_what_is_no_sha256_digest_is_none(header: str) -> None:
    assert sha256_of(header) is None


@given(st.text(max_size=200))
def test_no_header_however_odd_raises(text: str) -> None:
    sha256_of(text)
    words_of({"x": text}, "x")
    assert count_of({"x": text}, "x") is None or text.strip().isdigit()


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/files/7", "https://centre.example:8443/files/7"),
        ("files/7", "https://centre.example:8443/files/7"),
        ("https://centre.example:8443/files/7?k=v", "https://centre.example:8443/files/7?k=v"),
        ("http://centre.example/files/7", "https://centre.example:8443/files/7"),
        ("https://other.example:8443/files/7", None),
        ("//other.example/files/7", None),
        ("ftp://centre.example/files/7", None),
        ("//[", None),
        ("/files/\u00e9", None),
        ("/files/a b", None),
    ],
)
def test_a_location_leads_to_our_origin_or_nowhere(location: str, url: str | None) -> None:
    assert on_our_origin("https://centre.example:8443/files", location) == url


def test_only_http_addresses_have_an_origin() -> None:
    assert origin("http://[::1]/files") == ("http", "::1", 80)
    with pytest.raises(ValueError, match="not an http"):
        origin("file:///etc/passwd")
