"""A node that signs its stream, and the people who would like to pass for one: keys, certificates, SEIs, put into streams without a recorder."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import lru_cache

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

from edge.bmff.nal import START_CODE, is_slice, split
from edge.messages.stream import Codec, Packet
from edge.seal.onvif import FIRST_LINK, Document, Unsigned, hashes_of
from tests.support.footage import BOOT_NS, UTC_NS
from tests.support.video import gops

FOR_EVER = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.timezone.utc)
EARLY = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)


@dataclass(frozen=True)
class Key:
    """certificates: PEM, leaf first."""

    private: ec.EllipticCurvePrivateKey
    certificates: bytes

    def sign(self, digest: bytes) -> bytes:
        return self.private.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


class Town:
    """An authority. root: PEM."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.root = _pem(_draft(self._name, self._name, self._key, EARLY, FOR_EVER, ca=True).sign(self._key, hashes.SHA256()))

    def issue(self, name: str, not_before: datetime.datetime = EARLY, not_after: datetime.datetime = FOR_EVER) -> Key:
        key = ec.generate_private_key(ec.SECP256R1())
        return Key(key, _pem(_draft(_name(name), self._name, key, not_before, not_after, ca=False).sign(self._key, hashes.SHA256())))


def self_signed(name: str) -> Key:
    key = ec.generate_private_key(ec.SECP256R1())
    return Key(key, _pem(_draft(_name(name), _name(name), key, EARLY, FOR_EVER, ca=False).sign(key, hashes.SHA256())))


@lru_cache
def town(name: str = "Gmina Testowo") -> Town:
    return Town(name)


@lru_cache
def node_key(name: str = "pole-17") -> Key:
    return town().issue(name)


@dataclass(frozen=True)
class Span:
    """packets: with the SEI of each GOP in the access unit that opens the next. owed: the last GOP's SEI, which rides in whatever comes
    next."""

    packets: list[Packet]
    owed: bytes


def sign_span(packets: list[Packet], codec: Codec, key: Key, *, serial: str = "pole-17/gate", first_sei: bytes = b"") -> Span:
    """One span of its own: counter from 1. first_sei: what the span before it owed."""
    made: list[Packet] = []
    link, owed = FIRST_LINK, first_sei
    groups = gops(packets)
    for counter, group in enumerate(groups, 1):
        units = [split(packet.data) for packet in group]
        made += [insert(codec, group[0], owed), *group[1:]] if owed else group
        hashes_of_gop = hashes_of(codec, units)
        begins = group[0].boot_ns
        ends = groups[counter][0].boot_ns if counter < len(groups) else group[-1].boot_ns + group[-1].duration_ns
        document = Document(
            counter=counter,
            link=link,
            hashes=tuple(hashes_of_gop),
            start_utc_ns=UTC_NS + begins - BOOT_NS,
            end_utc_ns=UTC_NS + ends - BOOT_NS,
            firmware="edge-recorder 1.0",
            serial=serial,
            manufacturer="edge-recorder",
            certificates=key.certificates,
        )
        link, owed = document.anchor, signed_sei(codec, document, key)
    return Span(made, owed)


def signed_sei(codec: Codec, document: Document, key: Key) -> bytes:
    unsigned = Unsigned(codec, document)
    return unsigned.finish(key.sign(unsigned.digest))


def insert(codec: Codec, packet: Packet, nal: bytes) -> Packet:
    """In front of the access unit's first slice."""
    nals = split(packet.data)
    at = next(place for place, each in enumerate(nals) if is_slice(codec, each))
    return with_nals(packet, [*map(bytes, nals[:at]), nal, *map(bytes, nals[at:])])


def with_nals(packet: Packet, nals: list[bytes]) -> Packet:
    return msgspec.structs.replace(packet, data=b"".join(START_CODE + nal for nal in nals))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _draft(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    not_before: datetime.datetime,
    not_after: datetime.datetime,
    *,
    ca: bool,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(not ca, not ca, False, False, False, ca, ca, False, False), critical=True)
    )
