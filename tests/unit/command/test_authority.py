"""Who may command: a valid signature by the configured key, for this node, now."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from edge.centre.keys import make_keys, read_private_key, sign_command
from edge.clock import NS_PER_S, ManualClock
from edge.command.authority import Authority, read_command_key, unproven_id
from edge.errors import ConfigError, Refused, UsageError
from edge.messages.config import DesiredConfig
from edge.messages.wire import CommandClaims

UNKNOWN_PUBLIC = """\
-----BEGIN PUBLIC KEY-----
MDIwEAYHKoZIzj0CAQYFK4EEAAYDHgAEoVEg6LsW6eFhnlcU1kuhePQG9NM1SZUu
/wFRAQ==
-----END PUBLIC KEY-----
"""
UNKNOWN_PRIVATE = """\
-----BEGIN EC PRIVATE KEY-----
MD4CAQEEDmWYtG/tKEXvaGkHuEHEoAcGBSuBBAAGoSADHgAEoVEg6LsW6eFhnlcU
1kuhePQG9NM1SZUu/wFRAQ==
-----END EC PRIVATE KEY-----
"""

KEY = ec.generate_private_key(ec.SECP256R1())
BOOT = "this-boot"
CLOCK = ManualClock()
NOW_S = CLOCK.read().utc_ns // NS_PER_S
AUTHORITY = Authority("pole-1", BOOT, KEY.public_key())


def claims(**changes: object) -> CommandClaims:
    good = CommandClaims(id="c1", verb="clip", aud="pole-1", iat=NOW_S, exp=NOW_S + 300, operator="a.nowak", case="12/26")
    return msgspec.structs.replace(good, **changes)


def desired(**changes: object) -> DesiredConfig:
    return msgspec.structs.replace(DesiredConfig(aud="pole-1", version=7, operator="a.nowak", toml="x = 1"), **changes)


def desired_token(wanted: msgspec.Struct, key: ec.EllipticCurvePrivateKey | str = KEY, algorithm: str = "ES256") -> bytes:
    return jwt.PyJWS().encode(msgspec.json.encode(wanted), key, algorithm=algorithm).encode()


def test_a_desired_configuration_is_read_only_when_the_centre_signed_it_for_this_node() -> None:
    assert AUTHORITY.check_desired(desired_token(desired())) == desired()
    cases = {
        "bad_signature": [
            desired_token(desired(), ec.generate_private_key(ec.SECP256R1())),
            desired_token(desired(), "", "none"),
            desired_token(desired(), "a secret that is long enough for HS256", "HS256"),
            b"",
            b"a.b.c",
            b"\xff" * 1000,
        ],
        "wrong_audience": [desired_token(desired(aud="pole-2")), desired_token(desired(aud="all"))],
        "bad_claims": [
            desired_token(desired(version=0)),
            desired_token(desired(operator="")),
            sign_command(KEY, claims()),
            desired_token(CommandClaims(id="c", verb="config", aud="pole-1", iat=0, exp=1, operator="x")),
        ],
    }
    for code, tokens in cases.items():
        for token in tokens:
            with pytest.raises(Refused) as caught:
                AUTHORITY.check_desired(token)
            assert caught.value.code == code, token[:80]
    with pytest.raises(Refused, match="no command key"):
        Authority("pole-1", BOOT, None).check_desired(desired_token(desired()))


def test_a_desired_configuration_is_no_command() -> None:
    assert refusal(desired_token(desired())) == "bad_claims"


def refusal(token: bytes, authority: Authority = AUTHORITY, clock: ManualClock = CLOCK) -> str:
    with pytest.raises(Refused) as caught:
        authority.check(token, clock.read())
    return caught.value.code


def test_a_good_command_is_read_as_it_was_signed() -> None:
    assert AUTHORITY.check(sign_command(KEY, claims()), CLOCK.read()) == claims()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "pole-2"}, "wrong_audience"),
        ({"aud": ""}, "wrong_audience"),
        ({"iat": NOW_S - 300, "exp": NOW_S}, "expired"),
        ({"iat": NOW_S - 400, "exp": NOW_S - 100}, "expired"),
        ({"iat": NOW_S + 61, "exp": NOW_S + 200}, "not_yet"),
        ({"exp": NOW_S + 601}, "bad_claims"),
        ({"exp": NOW_S - 1}, "bad_claims"),
        ({"id": "../x"}, "bad_claims"),
        ({"verb": "a/b"}, "bad_claims"),
        ({"operator": ""}, "bad_claims"),
    ],
)
def test_a_command_with_a_wrong_claim_is_refused(changes: dict[str, object], code: str) -> None:
    assert refusal(sign_command(KEY, claims(**changes))) == code


def test_without_a_key_every_command_is_refused() -> None:
    assert refusal(sign_command(KEY, claims()), Authority("pole-1", BOOT, None)) == "no_key"


def test_another_key_or_another_algorithm_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    payload = msgspec.json.encode(claims())
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=") + b"." + base64.urlsafe_b64encode(payload).rstrip(b"=")
    with_public_key_as_secret = head + b"." + base64.urlsafe_b64encode(hmac.new(public, head, hashlib.sha256).digest()).rstrip(b"=")
    unsigned = jwt.PyJWS().encode(payload, "", algorithm="none").encode()
    for token in (sign_command(other, claims()), with_public_key_as_secret, unsigned):
        assert refusal(token) == "bad_signature"


def test_one_changed_byte_anywhere_is_refused() -> None:
    token = sign_command(KEY, claims())
    for place in range(0, len(token) - 1, 7):
        changed = bytearray(token)
        changed[place] = ord("A") if changed[place] != ord("A") else ord("B")
        assert refusal(bytes(changed)) in ("bad_signature", "bad_claims")


@given(st.binary(max_size=300) | st.text(alphabet="abcdefghijklmnop.=_-", max_size=200).map(str.encode))
def test_garbage_is_refused_and_never_fails_otherwise(token: bytes) -> None:
    assert refusal(token) == "bad_signature"
    assert isinstance(unproven_id(token), str)


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b"\xff", b'{"id": 1}', b"[" * 5000, b"5"])
def test_signed_nonsense_is_refused(payload: bytes) -> None:
    assert refusal(jwt.PyJWS().encode(payload, KEY, algorithm="ES256").encode()) == "bad_claims"


def test_without_a_clock_only_a_command_for_this_boot_is_taken() -> None:
    clock = ManualClock(utc_ns=1000 * NS_PER_S, state="untrusted")
    assert refusal(sign_command(KEY, claims()), clock=clock) == "clock_untrusted"
    assert refusal(sign_command(KEY, claims(boot="the boot before")), clock=clock) == "clock_untrusted"
    assert AUTHORITY.check(sign_command(KEY, claims(boot=BOOT)), clock.read()).id == "c1"


def test_with_a_clock_the_boot_proves_nothing() -> None:
    assert refusal(sign_command(KEY, claims(boot=BOOT, iat=NOW_S - 400, exp=NOW_S - 100))) == "expired"


def test_the_id_of_a_refused_command_is_known_for_the_answer() -> None:
    assert unproven_id(sign_command(KEY, claims(id="c9"))) == "c9"
    assert unproven_id(sign_command(KEY, claims(id="../../etc"))) == ""


def test_keys_are_made_once_readable_by_their_owner_only_and_fit_each_other(tmp_path: Path) -> None:
    private, public = make_keys(tmp_path / "keys")
    assert private.stat().st_mode & 0o777 == 0o600
    authority = Authority("pole-1", BOOT, read_command_key(public))
    assert authority.check(sign_command(read_private_key(private), claims()), CLOCK.read()) == claims()
    with pytest.raises(UsageError, match="exists already"):
        make_keys(tmp_path / "keys")


def test_a_key_on_a_curve_nobody_knows_is_a_configuration_error(tmp_path: Path) -> None:
    """secp112r1, which OpenSSL still makes."""
    public, private = tmp_path / "c.pub", tmp_path / "c.key"
    public.write_text(UNKNOWN_PUBLIC)
    private.write_text(UNKNOWN_PRIVATE)
    with pytest.raises(ConfigError):
        read_command_key(public)
    with pytest.raises(ConfigError):
        read_private_key(private)


def test_other_keys_are_a_configuration_error(tmp_path: Path) -> None:
    wrong = ec.generate_private_key(ec.SECP384R1())
    private, public = tmp_path / "a.key", tmp_path / "a.pub"
    private.write_bytes(wrong.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    public.write_bytes(wrong.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    for path in (public, tmp_path / "none", private):
        with pytest.raises(ConfigError):
            read_command_key(path)
    for path in (private, tmp_path / "none", public):
        with pytest.raises(ConfigError):
            read_private_key(path)
