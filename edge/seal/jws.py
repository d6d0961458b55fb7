"""Signed statements: JWS (RFC 7515) with ES256 and nothing else, compact or with the payload left out (appendix F).

The protected header says {"alg":"ES256","typ":...,"x5t#S256":...} and may say no more: no `crit`, no key, no address. `typ` keeps one kind
of statement from being passed off as another, `x5t#S256` names the certificate. Base64url is read strictly, so that a token has one form.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.seal.certificates import BadCertificate, fingerprint_of, p256_key, read_certificates
from edge.seal.ecdsa import COORDINATE_BYTES, to_der, to_raw
from edge.seal.signer import Identity, SigningTrouble

LARGEST_HEADER_BYTES = 1024
LARGEST_TOKEN_BYTES = 4 << 20
_ES256 = ec.ECDSA(hashes.SHA256())


class BadJws(ValueError):
    """It is no JWS of this kind, in words."""


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: Literal["ES256"]
    typ: str
    thumbprint: str = msgspec.field(name="x5t#S256")


@dataclass(frozen=True, slots=True)
class Jws:
    """A statement as read; nothing is proved before `verify`. signed: the bytes the signature is over. signature: r || s, 64 bytes.
    fingerprint: SHA-256 hex of the DER of the certificate that the header names."""

    payload: bytes
    signed: bytes
    signature: bytes
    fingerprint: str


def sign_compact(identity: Identity, typ: str, payload: bytes) -> str:
    """header.payload.signature. Raises SigningTrouble; ValueError for a payload that `read_compact` would not take."""
    header, body, signature = _sign(identity, typ, payload)
    token = f"{header}.{body}.{signature}"
    if len(token) > LARGEST_TOKEN_BYTES:
        raise ValueError(f"a statement of {len(payload)} bytes is too large for the compact form")
    return token


def sign_detached(identity: Identity, typ: str, payload: bytes) -> str:
    """header..signature: the payload lies beside it as a file of its own. Raises SigningTrouble."""
    header, _, signature = _sign(identity, typ, payload)
    return f"{header}..{signature}"


def read_compact(token: str | bytes, typ: str) -> Jws:
    """Raises BadJws, whatever the token is."""
    header, body, signature = _parts(token)
    if not body:
        raise BadJws("it carries no payload")
    return _read(header, body, _decode(body, "payload"), signature, typ)


def read_detached(token: str | bytes, typ: str, payload: bytes) -> Jws:
    """Raises BadJws, whatever the token is; also where it carries a payload of its own."""
    header, body, signature = _parts(token)
    if body:
        raise BadJws("it carries a payload of its own")
    return _read(header, _encode(payload).encode("ascii"), payload, signature, typ)


def verify(jws: Jws, by: bytes | ec.EllipticCurvePublicKey) -> bool:
    """Whether it was signed by the key of `by`: a PEM certificate (the first, where there are more), which must then be the one the header
    names; or a public key, as DER SubjectPublicKeyInfo or as an object. False for anything else; never raises."""
    key = _key_of(jws, by) if isinstance(by, bytes) else by
    if key is None or not isinstance(key.curve, ec.SECP256R1):
        return False
    try:
        key.verify(to_der(jws.signature), jws.signed, _ES256)
    except (InvalidSignature, ValueError):
        return False
    return True


def _sign(identity: Identity, typ: str, payload: bytes) -> tuple[str, str, str]:
    stated = _Header("ES256", typ, _encode(bytes.fromhex(identity.fingerprint)))
    header, body = _encode(msgspec.json.encode(stated)), _encode(payload)
    try:
        raw = to_raw(identity.signer.sign(sha256(f"{header}.{body}".encode("ascii")).digest()))
    except ValueError as error:
        raise SigningTrouble(f"the signer answered with no signature: {error}") from error
    return header, body, _encode(raw)


def _parts(token: str | bytes) -> tuple[bytes, bytes, bytes]:
    if len(token) > LARGEST_TOKEN_BYTES:
        raise BadJws(f"it has {len(token)} bytes")
    try:
        plain = token.encode("ascii") if isinstance(token, str) else token
    except UnicodeEncodeError:
        raise BadJws("it is not plain ASCII") from None
    parts = plain.split(b".", 3)
    if len(parts) != 3:
        raise BadJws("it does not have three parts")
    return parts[0], parts[1], parts[2]


def _read(header: bytes, body: bytes, payload: bytes, signature: bytes, typ: str) -> Jws:
    if len(header) > LARGEST_HEADER_BYTES:
        raise BadJws(f"its header has {len(header)} bytes")
    try:
        stated = msgspec.json.decode(_decode(header, "header"), type=_Header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadJws(f"its header is not that of an ES256 statement: {error}") from error
    if stated.typ != typ:
        raise BadJws(f"it is of another kind than {typ}")
    thumbprint = _decode(stated.thumbprint.encode("utf-8", "replace"), "x5t#S256")
    raw = _decode(signature, "signature")
    if len(thumbprint) != sha256().digest_size or len(raw) != 2 * COORDINATE_BYTES:
        raise BadJws("its signature or its x5t#S256 has another length")
    return Jws(payload, header + b"." + body, raw, thumbprint.hex())


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: bytes, what: str) -> bytes:
    """Strict: no padding, no other characters, no set bits behind the last byte."""
    try:
        data = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except Base64Error as error:
        raise BadJws(f"its {what} is no base64url: {error}") from error
    if _encode(data).encode("ascii") != text:
        raise BadJws(f"its {what} is no strict base64url")
    return data


def _key_of(jws: Jws, by: bytes) -> ec.EllipticCurvePublicKey | None:
    if by.lstrip().startswith(b"-----"):
        try:
            leaf = read_certificates(by)[0]
        except BadCertificate:
            return None
        return p256_key(leaf) if fingerprint_of(leaf) == jws.fingerprint else None
    try:
        key = serialization.load_der_public_key(by)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) else None
