"""Chains of certificates: which are trusted, and that hostile ones do no harm."""

from __future__ import annotations

import os
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import to_ns
from edge.errors import ConfigError
from edge.seal.certificates import LARGEST_CHAIN
from edge.seal.trust import ChainResult, check_chain, read_roots
from tests.support.identities import BEGIN, SIGNER_USAGE, Town, authority, draft, pem_of

SHARED = Path(os.environ.get("EDGE_SHARED", Path(__file__).resolve().parents[4] / "shared"))
ONVIF = SHARED / "vectors" / "onvif"
SHA256 = hashes.SHA256()
DAY = timedelta(days=1)
NOW = to_ns(datetime(2026, 11, 22, tzinfo=timezone.utc))
TOWN = Town()
ROOTS = read_roots(TOWN.root)
LEAF = TOWN.certify("pole-1")

AnyKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def check(pem: bytes, at_utc_ns: int | None = NOW) -> ChainResult:
    return check_chain(pem, ROOTS, at_utc_ns)


def under_root(root_key: AnyKey) -> ChainResult:
    """A P-256 leaf under a root with this key."""
    root = draft("Root", "Root", root_key.public_key()).sign(root_key, SHA256)
    leaf = draft("pole-1", "Root", TOWN.key_of("pole-1").public_key()).sign(root_key, SHA256)
    return check_chain(pem_of(leaf), read_roots(pem_of(root)), NOW)


def leaf_with(*extensions: tuple[x509.ExtensionType, bool]) -> bytes:
    made = draft("pole-1", TOWN.name, TOWN.key_of("pole-1").public_key())
    for value, critical in extensions:
        made = made.add_extension(value, critical)
    return pem_of(made.sign(TOWN.key, SHA256))


class Between:
    """A root without limits, an authority under it as `make` says, and a leaf under that."""

    def __init__(self, length: int = 1, root_length: int | None = None) -> None:
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(length + 1)]
        root = authority(draft("CA 0", "CA 0", keys[0].public_key()), root_length).sign(keys[0], SHA256)
        self.roots = read_roots(pem_of(root))
        self.authorities = [
            pem_of(authority(draft(f"CA {level}", f"CA {level - 1}", keys[level].public_key())).sign(keys[level - 1], SHA256))
            for level in range(1, length + 1)
        ]
        self.leaf = pem_of(draft("pole-1", f"CA {length}", TOWN.key_of("pole-1").public_key()).sign(keys[-1], SHA256))


def test_a_leaf_of_the_town_is_trusted() -> None:
    result = check(LEAF)
    assert result.trusted, result.why
    assert (result.subject, result.why) == ("CN=pole-1", "leads to CN=Town")
    assert (result.not_before, result.not_after) == ("2024-01-01T00:00:00.000Z", "9999-12-31T23:59:59.000Z")
    assert result.fingerprint == x509.load_pem_x509_certificate(LEAF).fingerprint(SHA256).hex()
    assert result.public_key == TOWN.key_of("pole-1").public_key()


def test_a_leaf_of_a_foreign_authority_of_the_same_name_is_not() -> None:
    result = check(Town(TOWN.name).certify("pole-1"))
    assert not result.trusted
    assert "issued by no authority that is trusted" in result.why
    assert result.public_key is not None, "its signatures can be checked, though they prove nothing"


def test_validity_is_judged_at_the_time_of_recording() -> None:
    begin, end = datetime(2025, 1, 1, tzinfo=timezone.utc), datetime(2025, 12, 31, tzinfo=timezone.utc)
    leaf = TOWN.certify("pole-1", begin=begin, end=end)
    assert check(leaf, to_ns(begin)).trusted
    assert check(leaf, to_ns(end)).trusted
    late = check(leaf, to_ns(end) + 1_000_000_000)
    assert not late.trusted
    assert "was not valid at 2025-12-31T00:00:01.000Z: it is valid from 2025-01-01" in late.why
    assert not check(leaf, to_ns(begin) - 1).trusted


def test_where_the_time_is_unknown_validity_is_not_judged_but_said() -> None:
    leaf = TOWN.certify("pole-1", end=BEGIN + DAY)
    result = check(leaf, None)
    assert result.trusted
    assert "whether it was valid is not known" in result.why


def test_an_authority_that_had_expired_issues_nothing() -> None:
    """Its own key may be in other hands by then."""
    key = ec.generate_private_key(ec.SECP256R1())
    root = authority(draft("Old", "Old", key.public_key(), end=BEGIN + DAY)).sign(key, SHA256)
    leaf = pem_of(draft("pole-1", "Old", TOWN.key_of("pole-1").public_key()).sign(key, SHA256))
    result = check_chain(leaf, read_roots(pem_of(root)), NOW)
    assert not result.trusted
    assert "the certificate of CN=Old was not valid" in result.why


@pytest.mark.parametrize("length", [1, 2, 6])
def test_authorities_in_between_lead_to_the_root_in_any_order(length: int) -> None:
    way = Between(length)
    assert check_chain(way.leaf + b"".join(way.authorities), way.roots, NOW).trusted
    assert check_chain(way.leaf + b"".join(reversed(way.authorities)), way.roots, NOW).trusted
    assert not check_chain(way.leaf + b"".join(way.authorities[:-1]), way.roots, NOW).trusted, "one is missing"


def test_an_authority_allows_only_so_many_under_it() -> None:
    way = Between(2, root_length=1)
    result = check_chain(way.leaf + b"".join(way.authorities), way.roots, NOW)
    assert not result.trusted
    assert "may have 1 authorities under it, not 2" in result.why


def test_the_holder_of_a_media_certificate_cannot_issue_others() -> None:
    """Even one without any extension, which says nothing about its rights."""
    plain = leaf_with()
    forged = pem_of(draft("pole-2", "pole-1", TOWN.key_of("x").public_key()).sign(TOWN.key_of("pole-1"), SHA256))
    result = check(forged + plain)
    assert not result.trusted
    assert "CN=pole-1 is no authority" in result.why
    assert not check(forged + LEAF).trusted


def test_an_authority_that_may_not_sign_certificates_does_not_count() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    between = pem_of(authority(draft("Sub", TOWN.name, key.public_key()), usage=SIGNER_USAGE).sign(TOWN.key, SHA256))
    leaf = pem_of(draft("pole-1", "Sub", TOWN.key_of("pole-1").public_key()).sign(key, SHA256))
    result = check(leaf + between)
    assert not result.trusted
    assert "CN=Sub may not sign certificates" in result.why


@pytest.mark.parametrize("make", [lambda: rsa.generate_private_key(65537, 2048), lambda: ec.generate_private_key(ec.SECP384R1())])
def test_roots_may_have_other_keys(make: object) -> None:
    result = under_root(make())  # type: ignore[operator]
    assert result.trusted, result.why


def test_a_weak_root_is_refused() -> None:
    with pytest.raises(ConfigError, match="has a key of another kind"):
        under_root(rsa.generate_private_key(65537, 1024))


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()]
)
def test_the_media_key_must_be_on_p256(key: AnyKey) -> None:
    result = check(TOWN.certify("pole-1", key.public_key()))
    assert (result.trusted, result.public_key) == (False, None)
    assert "not for a key on curve P-256" in result.why


@pytest.mark.parametrize(
    ("extensions", "fault"),
    [
        ([(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)], "is for TLS"),
        ([(x509.KeyUsage(False, False, True, False, False, False, False, False, False), True)], "not for signatures"),
        ([(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)], "1.2.3.4, which is not understood"),
    ],
)
def test_a_certificate_for_something_else_is_not_for_footage(extensions: list[tuple[x509.ExtensionType, bool]], fault: str) -> None:
    result = check(leaf_with(*extensions))
    assert not result.trusted
    assert fault in result.why


def test_what_is_not_critical_need_not_be_understood() -> None:
    assert check(leaf_with((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), False))).trusted


def test_a_certificate_signed_with_sha1_is_not_trusted() -> None:
    """Put together by hand: no library makes one any more. The same way with SHA-256 is accepted."""
    sha256_name, sha1_name = bytes.fromhex("300a06082a8648ce3d040302"), bytes.fromhex("300906072a8648ce3d0401")
    tbs = x509.load_pem_x509_certificate(LEAF).tbs_certificate_bytes
    body = tbs[4:] if tbs[1] == 0x82 else tbs[3:]
    for name, algorithm, trusted in ((sha256_name, SHA256, True), (sha1_name, hashes.SHA1(), False)):
        signed = _sequence(body.replace(sha256_name, name))
        signature = TOWN.key.sign(signed, ec.ECDSA(algorithm))
        der = _sequence(signed + name + b"\3" + bytes((len(signature) + 1, 0)) + signature)
        assert x509.load_der_x509_certificate(der).subject == x509.load_pem_x509_certificate(LEAF).subject
        assert check(_pem(der)).trusted is trusted


def _sequence(body: bytes) -> bytes:
    return b"\x30\x82" + len(body).to_bytes(2, "big") + body if len(body) > 255 else b"\x30\x81" + bytes((len(body),)) + body


def test_more_certificates_or_bytes_than_any_chain_has_are_refused() -> None:
    assert "more than 8 certificates" in check(LEAF * (LARGEST_CHAIN + 1)).why
    assert "more than 65536 bytes" in check(LEAF + b"\n" * 65_536).why
    assert check(LEAF * LARGEST_CHAIN).trusted


def test_a_root_with_which_nothing_can_be_trusted_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_roots(tmp_path / "ca.pem")
    with pytest.raises(ConfigError, match="there is no certificate in PEM"):
        read_roots(b"junk")
    with pytest.raises(ConfigError, match="a certificate in PEM does not read"):
        read_roots(_pem(b"junk"))
    with pytest.raises(ConfigError, match="CN=pole-1 may not sign certificates"):
        read_roots(LEAF)
    with pytest.raises(ConfigError, match="more than"):
        read_roots(b"\n" * (2 << 20))


def test_several_roots_are_tried(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(Town("Elsewhere").root + Town(TOWN.name).root + TOWN.root * 2)
    roots = read_roots(path)
    assert len(roots.certificates) == 3
    assert check_chain(LEAF, roots, NOW).trusted


def test_a_subject_cannot_play_tricks_on_a_terminal() -> None:
    result = check(TOWN.certify("\x1b[2J\u202epole\n-1"))
    assert result.trusted
    assert result.subject.isprintable()
    assert "pole" in result.subject


@given(st.binary(max_size=400), st.integers())
def test_junk_is_not_trusted_and_raises_nothing(junk: bytes, at_utc_ns: int) -> None:
    assert not check(junk, at_utc_ns).trusted
    assert not check(_pem(junk), at_utc_ns).trusted


@given(st.data())
def test_no_changed_certificate_is_trusted(data: st.DataObject) -> None:
    der = bytearray(x509.load_pem_x509_certificate(LEAF).public_bytes(serialization.Encoding.DER))
    before = bytes(der)
    # The count of unused bits in front of the signature is under no signature and says nothing.
    unused_bits_at = before.rindex(x509.load_pem_x509_certificate(LEAF).signature) - 1
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, len(der) - 1).filter(lambda at: at != unused_bits_at))] = data.draw(st.integers(0, 255))
    result = check(_pem(bytes(der)))
    assert result.trusted == (bytes(der) == before)


@given(st.binary(min_size=1, max_size=40), st.integers(0, 400))
def test_junk_in_a_root_is_a_configuration_error_and_nothing_else(junk: bytes, at: int) -> None:
    der = TOWN.certificate.public_bytes(serialization.Encoding.DER)
    try:
        read_roots(_pem(der[:at] + junk + der[at + len(junk) :]))
    except ConfigError:
        return


def _pem(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + b64encode(der) + b"\n-----END CERTIFICATE-----\n"


@pytest.mark.skipif(not ONVIF.is_dir(), reason="ONVIF's signed samples are not beside the checkout")
@pytest.mark.parametrize("name", ["test_signed_h264.mp4", "test_signed_h265.mp4"])
def test_the_chain_of_onvifs_samples_was_valid_when_they_were_made(name: str) -> None:
    film = (ONVIF / name).read_bytes()
    at = film.index(b"-----BEGIN CERTIFICATE-----")
    leaf = film[at : film.index(b"-----END CERTIFICATE-----", at) + 26]
    roots = read_roots(ONVIF / "ca.pem")
    made = check_chain(leaf, roots, to_ns(datetime(2024, 12, 1, tzinfo=timezone.utc)))
    assert made.trusted, made.why
    assert made.subject == "CN=Test camera,OU=Test,O=SomeOrg"
    today = check_chain(leaf, roots, NOW)
    assert not today.trusted
    assert "it is valid from 2024-11-13T16:36:59.000Z to 2025-11-13T16:36:59.000Z" in today.why
