"""The centre's command key: an ECDSA P-256 pair. The private half signs commands here; the public half goes to the nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.errors import ConfigError, StorageError, UsageError
from edge.host.secret import write_secret
from edge.link.publish import Direct
from edge.link.topics import COMMAND, COMMAND_EXPIRY_MAX_S, CONFIG_DESIRED, address, is_level
from edge.messages.config import TOML_MAX_BYTES, DesiredConfig
from edge.messages.wire import CommandClaims

PRIVATE_NAME = "command.key"
PUBLIC_NAME = "command.pub"


def make_keys(folder: Path) -> tuple[Path, Path]:
    """Writes command.key (mode 0600) and command.pub; returns their paths. Raises UsageError where a key is already there, StorageError."""
    private_path, public_path = folder / PRIVATE_NAME, folder / PUBLIC_NAME
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_secret(private_path, private)
        public_path.write_bytes(public)
    except OSError as error:
        raise StorageError(f"{folder}: the keys cannot be written: {error}", number=error.errno or 0) from error
    return private_path, public_path


def read_private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Raises ConfigError for anything but an unencrypted P-256 key in PEM."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{path} is no private key: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigError(f"{path}: the command key must be on curve P-256")
    return key


def sign_command(key: ec.EllipticCurvePrivateKey, claims: CommandClaims) -> bytes:
    """A JWS in compact form (RFC 7515, ES256), to be published on cmd/<verb>."""
    payload = msgspec.json.encode(claims)
    return jwt.PyJWS().encode(payload, key, algorithm="ES256", headers={"typ": "edge-command+jws"}).encode("ascii")


def desired_message(org: str, key: ec.EllipticCurvePrivateKey | None, wanted: DesiredConfig, on_done: Callable[[int], None]) -> Direct:
    """The signed configuration, retained until another takes its place. Raises ConfigError without a key, UsageError for one that every
    node would refuse."""
    if key is None:
        raise ConfigError("no command key: a configuration cannot be signed", remedy="give the private key made by `edge centre keys`")
    if not is_level(wanted.aud) or wanted.version < 1 or not wanted.operator or len(wanted.toml.encode("utf-8")) > TOML_MAX_BYTES:
        raise UsageError(f"a node, a version from 1 on, an operator, and a document of at most {TOML_MAX_BYTES} bytes are needed")
    token = jwt.PyJWS().encode(msgspec.json.encode(wanted), key, algorithm="ES256", headers={"typ": "edge-config+jws"}).encode("ascii")
    topic = address(org, wanted.aud, CONFIG_DESIRED)
    return Direct(topic, topic, token, CONFIG_DESIRED.qos, CONFIG_DESIRED.retain, on_done=on_done)


def command_message(
    org: str, key: ec.EllipticCurvePrivateKey | None, claims: CommandClaims, on_done: Callable[[int], None] | None = None
) -> Direct:
    """The signed command, ready to be published, expiring with its claims. Raises ConfigError without a key, UsageError for claims that
    every node would refuse."""
    if key is None:
        raise ConfigError("no command key: commands cannot be signed", remedy="give the private key made by `edge centre keys`")
    valid_s = claims.exp - claims.iat
    if not (is_level(claims.aud) and is_level(claims.id) and is_level(claims.verb)) or not 1 <= valid_s <= COMMAND_EXPIRY_MAX_S:
        raise UsageError("node, id and verb are letters, digits, . _ - (at most 63); valid for 1-600 s")
    topic = address(org, claims.aud, COMMAND, claims.verb)
    token = sign_command(key, claims)
    return Direct(claims.id, topic, token, expiry_s=valid_s, correlation=claims.id.encode("ascii"), on_done=on_done)
