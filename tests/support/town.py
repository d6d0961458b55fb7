"""Who vouches for a node, and who only pretends to: signing identities in memory, the honest ones made once for a test run."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from edge.seal.signer import Identity
from tests.support.identities import BEGIN, END, SIGNER_USAGE, MemorySigner, Town, draft, pem_of


def issued(by: Town, node_name: str, begin: datetime = BEGIN, end: datetime = END) -> Identity:
    return _identity(by.key_of(node_name), by.certify(node_name, begin=begin, end=end))


def self_signed(node_name: str) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    made = draft(node_name, node_name, key.public_key()).add_extension(SIGNER_USAGE, True).sign(key, hashes.SHA256())
    return _identity(key, pem_of(made))


@lru_cache
def town() -> Town:
    return Town("Gmina Testowo")


@lru_cache
def node(name: str = "pole-17") -> Identity:
    """A node of `town()`."""
    return issued(town(), name)


def _identity(key: ec.EllipticCurvePrivateKey, certificate: bytes) -> Identity:
    return Identity(MemorySigner(key), certificate, x509.load_pem_x509_certificate(certificate).fingerprint(hashes.SHA256()).hex())
