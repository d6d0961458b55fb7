"""The request for a certificate (PKCS #10): all that leaves the node of a new key."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.seal.signer import Signer

UNIT = "edge-recorder"


def make_request(signer: Signer, node: str) -> bytes:
    """PEM: CN the node's id, OU edge-recorder, signed by the key it is for. Raises SigningTrouble."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node), x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, UNIT)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(_KeyBehindThePort(signer), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


class _KeyBehindThePort(ec.EllipticCurvePrivateKey):
    """For builders that want a private key object: it signs through the port, and has nothing to tell."""

    def __init__(self, signer: Signer) -> None:
        key = serialization.load_der_public_key(signer.public_key)
        assert isinstance(key, ec.EllipticCurvePublicKey)
        self._signer = signer
        self._public = key

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        return self._signer.sign(sha256(data).digest())

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        raise NotImplementedError

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        raise NotImplementedError

    def private_bytes(self, *words: object) -> bytes:
        raise NotImplementedError

    def __copy__(self) -> _KeyBehindThePort:
        return self

    def __deepcopy__(self, memo: object) -> _KeyBehindThePort:
        return self
