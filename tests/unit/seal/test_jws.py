"""Statements signed with ES256: what is written reads and verifies, and nothing else does."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from pathlib import Path

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given
from hypothesis import strategies as st

from edge.seal.ecdsa import to_der, to_raw
from edge.seal.jws import BadJws, Jws, read_compact, read_detached, sign_compact, sign_detached, verify
from edge.seal.signer import Identity, SigningTrouble
from tests.support.identities import Town, identity_of

TYPE = "edge-checkpoint+jws"
PAYLOAD = b'{"node":"pole-1"}'
TOWN = Town()
IDENTITY = identity_of(TOWN, "pole-1")
TOKEN = sign_compact(IDENTITY, TYPE, PAYLOAD)


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def with_header(**fields: object) -> str:
    """A token whose header says this instead, otherwise as TOKEN."""
    _, body, signature = TOKEN.split(".")
    return f"{text(msgspec.json.encode(fields))}.{body}.{signature}"


def header(**changes: object) -> dict[str, object]:
    return {"alg": "ES256", "typ": TYPE, "x5t#S256": text(bytes.fromhex(IDENTITY.fingerprint)), **changes}


def test_what_is_signed_reads_and_verifies() -> None:
    jws = read_compact(TOKEN, TYPE)
    assert (jws.payload, jws.fingerprint) == (PAYLOAD, IDENTITY.fingerprint)
    assert verify(jws, IDENTITY.certificates)
    assert verify(jws, IDENTITY.signer.public_key)


@given(st.binary(max_size=300))
def test_any_payload_beside_its_signature_verifies(payload: bytes) -> None:
    token = sign_detached(IDENTITY, TYPE, payload)
    jws = read_detached(token.encode(), TYPE, payload)
    assert jws.payload == payload
    assert verify(jws, IDENTITY.certificates)
    assert not verify(read_detached(token, TYPE, payload + b" "), IDENTITY.certificates)


def test_another_implementation_of_jose_accepts_it() -> None:
    key = serialization.load_der_public_key(IDENTITY.signer.public_key)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert jwt.PyJWS().decode(TOKEN, key, algorithms=["ES256"]) == PAYLOAD
    assert jwt.get_unverified_header(TOKEN) == header()


def test_it_reads_what_another_implementation_signed() -> None:
    key = TOWN.key_of("pole-1")
    token = jwt.PyJWS().encode(PAYLOAD, key, algorithm="ES256", headers=header())
    assert verify(read_compact(token, TYPE), IDENTITY.certificates)


def test_one_kind_is_not_taken_for_another() -> None:
    with pytest.raises(BadJws, match="another kind"):
        read_compact(TOKEN, "edge-clip+jws")
    with pytest.raises(BadJws, match="another kind"):
        read_compact(TOKEN, TYPE.upper())


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "es256"},
        {"crit": ["exp"]},
        {"jwk": {}},
        {"b64": False},
        {"typ": None},
        {"x5t#S256": ""},
        {"x5t#S256": "AAAA"},
        {"x5t#S256": "ü" * 43},
    ],
)
def test_a_header_that_says_anything_else_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadJws):
        read_compact(with_header(**header(**changes)), TYPE)


def test_the_certificate_must_be_the_one_that_the_header_names() -> None:
    renewed = TOWN.renew("pole-1")
    jws = read_compact(TOKEN, TYPE)
    assert not verify(jws, renewed), "same key, another certificate"
    assert not verify(jws, identity_of(TOWN, "pole-2").certificates)


def test_a_key_of_another_kind_proves_nothing() -> None:
    jws = read_compact(TOKEN, TYPE)
    assert not verify(jws, ec.generate_private_key(ec.SECP384R1()).public_key())
    for junk in (b"", b"junk", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        assert not verify(jws, junk)


def test_a_payload_is_either_inside_or_beside() -> None:
    with pytest.raises(BadJws, match="of its own"):
        read_detached(TOKEN, TYPE, PAYLOAD)
    with pytest.raises(BadJws, match="no payload"):
        read_compact(sign_detached(IDENTITY, TYPE, PAYLOAD), TYPE)


def test_a_token_has_one_form_only() -> None:
    """The last character of a 64-byte signature carries four bits that mean nothing: they must be zero."""
    assert TOKEN[-1] in "AQgw"
    for other in (TOKEN[:-1] + chr(ord(TOKEN[-1]) + 1), TOKEN + "==", TOKEN + "\n", " " + TOKEN, TOKEN.replace(".", ".\n", 1)):
        with pytest.raises(BadJws):
            read_compact(other, TYPE)


def test_a_huge_token_is_refused_unread() -> None:
    with pytest.raises(BadJws, match="bytes"):
        read_compact("A" * (5 << 20), TYPE)
    with pytest.raises(BadJws, match="header has"):
        read_compact("A" * 2000 + ".AAAA.AAAA", TYPE)
    with pytest.raises(ValueError, match="too large"):
        sign_compact(IDENTITY, TYPE, bytes(4 << 20))


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200), st.from_regex(r"[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*")))
@example("é.é.é")
@example(text(b"[" * 700) + "..")
@example(text(b'{"alg":' + b"[" * 700) + ".AA.AA")
def test_junk_raises_the_one_documented_error(token: str | bytes) -> None:
    with pytest.raises(BadJws):
        read_compact(token, TYPE)
    with pytest.raises(BadJws):
        read_detached(token, TYPE, PAYLOAD)


@given(st.integers(0, len(TOKEN) - 1), st.integers(0, 127))
def test_no_changed_token_verifies(at: int, code: int) -> None:
    changed = TOKEN[:at] + chr(code) + TOKEN[at + 1 :]
    if changed == TOKEN:
        return
    try:
        jws = read_compact(changed, TYPE)
    except BadJws:
        return
    assert not verify(jws, IDENTITY.certificates)


@given(st.binary(min_size=64, max_size=64))
def test_both_forms_of_a_signature_say_the_same(raw: bytes) -> None:
    assert to_raw(to_der(raw)) == raw
    assert not verify(Jws(PAYLOAD, b"signed", raw, ""), IDENTITY.signer.public_key)


@given(st.binary(max_size=80))
def test_a_signature_in_no_form_is_a_value_error(junk: bytes) -> None:
    if len(junk) != 64:
        with pytest.raises(ValueError):
            to_der(junk)
    with pytest.raises(ValueError):
        to_raw(b"\0" + junk)


def test_a_signer_that_answers_with_junk_is_trouble_and_no_statement(tmp_path: Path) -> None:
    class Mumbling:
        assurance = "file"
        public_key = b""

        def sign(self, digest: bytes) -> bytes:
            return b"\x30\x03\x02\x01\x00"

        def close(self) -> None: ...

    with pytest.raises(SigningTrouble, match="no signature"):
        sign_compact(Identity(Mumbling(), b"", "00" * 32), TYPE, PAYLOAD)  # type: ignore[arg-type]
