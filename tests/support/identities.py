"""A town's authority in memory, and what it issues for nodes that sign."""

from __future__ import annotations

from datetime import datetime, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID

from edge.seal.signer import Assurance, Identity

BEGIN = datetime(2024, 1, 1, tzinfo=timezone.utc)
END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
AUTHORITY_USAGE = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
SIGNER_USAGE = x509.KeyUsage(True, False, False, False, False, False, False, False, False)


def name_of(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def pem_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def draft(
    subject: str, issuer: str, key: CertificatePublicKeyTypes, begin: datetime = BEGIN, end: datetime = END
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name_of(subject))
        .issuer_name(name_of(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def authority(
    draft: x509.CertificateBuilder, path_length: int | None = None, usage: x509.KeyUsage = AUTHORITY_USAGE
) -> x509.CertificateBuilder:
    return draft.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), True).add_extension(usage, True)


class Town:
    """An authority (root, PEM) and the keys of its nodes."""

    def __init__(self, name: str = "Town") -> None:
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = authority(draft(name, name, self.key.public_key()), 0).sign(self.key, hashes.SHA256())
        self.root = pem_of(self.certificate)
        self._keys: dict[str, ec.EllipticCurvePrivateKey] = {}

    def key_of(self, node: str) -> ec.EllipticCurvePrivateKey:
        return self._keys.setdefault(node, ec.generate_private_key(ec.SECP256R1()))

    def certify(self, node: str, key: CertificatePublicKeyTypes | None = None, begin: datetime = BEGIN, end: datetime = END) -> bytes:
        """A new certificate, PEM."""
        made = draft(node, self.name, key or self.key_of(node).public_key(), begin, end).add_extension(SIGNER_USAGE, True)
        return pem_of(made.sign(self.key, hashes.SHA256()))

    def renew(self, node: str) -> bytes:
        """Another certificate for the same key."""
        return self.certify(node)


class MemorySigner:
    """A key in memory."""

    assurance: Assurance = "file"

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, digest: bytes) -> bytes:
        return self._key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))

    def close(self) -> None: ...


def identity_of(town: Town, node: str) -> Identity:
    pem = town.certify(node)
    fingerprint = x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex()
    return Identity(MemorySigner(town.key_of(node)), pem, fingerprint)
