"""RTSP messages and logging in, against the examples of the standards."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.rtsp_words import Login, read_answer, request


def test_an_answer_is_read_with_its_body_and_its_end() -> None:
    challenges = b"WWW-Authenticate: Basic realm=a\r\nWWW-AUTHENTICATE: Digest realm=b\r\n"
    data = b"??RTSP/1.0 200 OK\r\nCSeq: 2\r\n" + challenges + b"Content-Length: 3\r\n\r\nv=0$\0"
    found = read_answer(data, 2)
    assert found is not None
    answer, end = found
    assert (answer.status, answer.reason, answer.body, answer.header("cseq")) == (200, "OK", b"v=0", "2")
    assert answer.all("www-authenticate") == ["Basic realm=a", "Digest realm=b"]
    assert data[end:] == b"$\0"


def test_every_beginning_of_an_answer_asks_for_more() -> None:
    data = b"RTSP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nv=0"
    assert all(read_answer(data[:size]) is None for size in range(len(data)))


def test_a_request_of_the_server_is_told_from_an_answer() -> None:
    found = read_answer(b"ANNOUNCE rtsp://camera/1 RTSP/1.0\r\nCSeq: 9\r\n\r\n")
    assert found is not None
    assert found[0].status == 0


@pytest.mark.parametrize("data", [b"HTTP/1.1 200 OK\r\n\r\n", b"RTSP/1.0 200 OK\r\nContent-Length: x\r\n\r\n", b"A" * 70_000])
def test_what_is_no_rtsp_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="message"):
        read_answer(data)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        found = read_answer(data)
    except ValueError:
        return
    assert found is None or 0 < found[1] <= len(data)


def test_a_request_has_its_headers_line_by_line() -> None:
    made = request("PLAY", "rtsp://camera/1", 5, {"Session": "77"})
    assert made == b"PLAY rtsp://camera/1 RTSP/1.0\r\nCSeq: 5\r\nSession: 77\r\n\r\n"


def test_basic_login_is_the_example_of_rfc_7617() -> None:
    login = Login("Aladdin", "open sesame")
    assert login.learn(['Basic realm="WallyWorld"'])
    assert login.header("DESCRIBE", "rtsp://camera/1") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_digest_without_qop_is_the_example_of_rfc_2069() -> None:
    """With the response that its published erratum corrects."""
    login = Login("Mufasa", "CircleOfLife")
    assert login.learn(
        ['Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"']
    )
    header = login.header("GET", "/dir/index.html")
    assert header is not None
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in header
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in header


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_with_qop_is_the_example_of_rfc_7616(algorithm: str, expected: str) -> None:
    login = Login("Mufasa", "Circle of Life", lambda: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    challenge = (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    assert login.learn([challenge])
    header = login.header("GET", "/dir/index.html")
    assert header is not None
    assert f'response="{expected}"' in header
    assert "nc=00000001" in header


def test_the_strongest_challenge_is_taken() -> None:
    login = Login("user", "word")
    assert login.learn(['Basic realm="a"', 'Digest realm="a", nonce="1", algorithm=SHA-256', 'Digest realm="a", nonce="2"', "Negotiate x"])
    header = login.header("PLAY", "rtsp://camera/1")
    assert header is not None
    assert re.search("algorithm=SHA-256", header)


@pytest.mark.parametrize("challenges", [[], ["Negotiate abc"], ['Digest realm="a", nonce="1", algorithm=SHA-512-256']])
def test_a_challenge_nobody_understands_is_not_answered(challenges: list[str]) -> None:
    login = Login("user", "word")
    assert not login.learn(challenges)
    assert login.header("PLAY", "rtsp://camera/1") is None


def test_without_a_user_no_challenge_is_answered() -> None:
    assert not Login("", "").learn(['Basic realm="a"'])


def test_a_login_shows_nothing_of_itself() -> None:
    assert "word" not in repr(Login("user", "word"))
