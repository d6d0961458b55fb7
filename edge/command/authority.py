"""Whether a command may be obeyed: signature, addressee, time. The only file of this package that knows cryptography.

A command is a JWS in compact form (RFC 7515), ES256 and nothing else, over the claims of `CommandClaims`. The key comes from the node's
configuration; without one every command is refused. What MQTT says around it (topic, properties) is not signed and proves nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.clock import NS_PER_S, Reading
from edge.errors import ConfigError, Refused
from edge.link.topics import is_level
from edge.messages.config import DesiredConfig
from edge.messages.wire import CommandClaims

LIFE_MAX_S = 600
_Claims = TypeVar("_Claims", CommandClaims, DesiredConfig)
SKEW_S = 60
LATEST_S = 253_402_300_799
"""The end of the year 9999."""


def read_command_key(path: Path) -> ec.EllipticCurvePublicKey:
    """[mqtt] command_key. Raises ConfigError for anything but a P-256 public key in PEM."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"[mqtt] command_key {path} is no public key: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigError(f"[mqtt] command_key {path} must be on curve P-256")
    return key


class Authority:
    """Stateless: replays are the dispatcher's business (it has the ids)."""

    def __init__(self, node: str, boot: str, key: ec.EllipticCurvePublicKey | None) -> None:
        self._node, self._boot, self._key = node, boot, key

    def check(self, token: bytes, now: Reading, audience: str = "") -> CommandClaims:
        """audience: whose topic it came on, "" for this node's. Raises Refused: no_key, bad_signature, bad_claims, wrong_audience, expired,
        not_yet, clock_untrusted."""
        claims = _claims(self._proven(token), CommandClaims)
        if claims.aud != (audience or self._node):
            raise Refused("wrong_audience", f"the command is for {claims.aud!r}")
        if not is_level(claims.id) or not is_level(claims.verb) or not claims.operator:
            raise Refused("bad_claims", "id and verb are letters, digits, . _ -; operator must be given")
        if not 0 < claims.exp - claims.iat <= LIFE_MAX_S or not 0 <= claims.iat <= LATEST_S:
            raise Refused("bad_claims", f"iat and exp are seconds since 1970, exp 1-{LIFE_MAX_S} s after iat")
        self._check_time(claims, now)
        return claims

    def check_desired(self, token: bytes) -> DesiredConfig:
        """It stands for ever and has no time: the caller compares its version with those it has seen. Raises Refused: no_key,
        bad_signature, bad_claims, wrong_audience."""
        wanted = _claims(self._proven(token), DesiredConfig)
        if wanted.aud != self._node:
            raise Refused("wrong_audience", f"the configuration is for {wanted.aud[:80]!r}")
        if wanted.version < 1 or not wanted.operator:
            raise Refused("bad_claims", "version is 1 or more; operator must be given")
        return wanted

    def _proven(self, token: bytes) -> object:
        """Its payload."""
        if self._key is None:
            raise Refused("no_key", "this node has no command key", remedy="set [mqtt] command_key")
        _check_header(token)
        try:
            return jwt.PyJWS(algorithms=["ES256"]).decode(token, self._key, algorithms=["ES256"])
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise Refused("bad_signature", f"the signature does not verify: {error}") from error

    def _check_time(self, claims: CommandClaims, now: Reading) -> None:
        """Where UTC cannot be believed, the boot id stands for it: a command made for this very boot is not an old one."""
        if not now.dated:
            if claims.boot != self._boot:
                raise Refused("clock_untrusted", "this node's clock is not set; the command does not name this boot")
            return
        now_s = now.utc_ns // NS_PER_S
        if claims.iat > now_s + SKEW_S:
            raise Refused("not_yet", f"issued {claims.iat - now_s} s in the future")
        if claims.exp <= now_s:
            raise Refused("expired", f"expired {now_s - claims.exp} s ago")


def _check_header(token: bytes) -> None:
    """An extension that must be understood (RFC 7515 section 4.1.11) is not: older versions of PyJWT pass over it. What it says of keys and
    where to find them is not looked at."""
    try:
        header = msgspec.json.decode(jwt.utils.base64url_decode(token.split(b".", 1)[0]), type=dict[str, object])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Refused("bad_signature", f"the header cannot be read: {error}") from error
    if "crit" in header or "b64" in header:
        raise Refused("bad_signature", "the header asks for an extension that this node does not have")


def _claims(payload: object, kind: type[_Claims]) -> _Claims:
    if not isinstance(payload, bytes):
        raise Refused("bad_claims", "no claims")
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("bad_claims", f"the claims cannot be read: {error}") from error


def unproven_id(token: bytes) -> str:
    """The id an unverified token claims to have, for the refusal's answer only; "" where there is none."""
    try:
        claims = msgspec.json.decode(jwt.utils.base64url_decode(token.split(b".")[1]), type=dict[str, object])
    except (msgspec.DecodeError, ValueError, IndexError, RecursionError):
        return ""
    id = claims.get("id")
    return id if isinstance(id, str) and is_level(id) else ""
