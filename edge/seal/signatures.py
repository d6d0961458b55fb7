"""Whether a signing SEI was signed by the key it names, and whether that key's certificate is trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from edge.clock import parse_utc
from edge.seal.onvif import SignedDocument
from edge.seal.trust import ChainResult, Roots, check_chain

OUR_MANUFACTURER = "edge-recorder"
_ES256 = ec.ECDSA(hashes.SHA256())

Fault = Literal[
    "",
    "signature_invalid",
    "certificate_missing",
    "certificate_unusable",
    "certificate_untrusted",
    "certificate_not_valid_then",
    "certificate_of_other_node",
]


@dataclass(frozen=True, slots=True)
class Checked:
    """fault: "" where nothing is wrong. chain: None without a certificate."""

    fault: Fault
    chain: ChainResult | None

    @property
    def why(self) -> str:
        return self.chain.why if self.chain else ""


class Signatures:
    """roots: None where the reader trusts nobody in particular: then only the signature is judged."""

    def __init__(self, roots: Roots | None) -> None:
        self._roots = roots
        self._certificates = b""
        """The newest seen: a signer may send its certificate now and then only."""

    def learn(self, signed: SignedDocument) -> None:
        self._certificates = signed.document.certificates or self._certificates

    @property
    def knows_certificate(self) -> bool:
        return self._certificates != b""

    def check(self, signed: SignedDocument) -> Checked:
        """Never raises."""
        document = signed.document
        pem = document.certificates or self._certificates
        if not pem:
            return Checked("certificate_missing", None)
        chain = check_chain(pem, self._roots or Roots(()), document.start_utc_ns)
        if chain.public_key is None:
            return Checked("certificate_unusable", chain)
        if not is_signed_by(chain.public_key, signed.signature, signed.signed):
            return Checked("signature_invalid", chain)
        if self._roots is None:
            return Checked("", chain)
        if not chain.trusted:
            return Checked("certificate_untrusted" if _valid_at(chain, document.start_utc_ns) else "certificate_not_valid_then", chain)
        if document.manufacturer == OUR_MANUFACTURER and not names_node(chain.subject, document.serial.split("/", 1)[0]):
            return Checked("certificate_of_other_node", chain)
        return Checked("", chain)


def is_signed_by(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    """signature: DER."""
    try:
        key.verify(signature, data, _ES256)
    except (InvalidSignature, ValueError):
        return False
    return True


def names_node(subject: str, node: str) -> bool:
    """Whether a certificate's subject (RFC 4514) has the node's id as its common name. Escaped characters are in no node's id, and could
    make one name look like two."""
    return "\\" not in subject and f"CN={node}" in subject.split(",")


def _valid_at(chain: ChainResult, utc_ns: int | None) -> bool:
    if utc_ns is None:
        return True
    try:
        return parse_utc(chain.not_before) <= utc_ns < parse_utc(chain.not_after) + 1_000_000_000
    except (ValueError, OverflowError):
        return True
