"""Words of tus 1.0 (tus.io/protocols/resumable-upload) and of RFC 9530 digests, as they stand in HTTP headers. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

TUS_VERSION = "1.0.0"
PATCH_TYPE = "application/offset+octet-stream"

_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]{1,128}):")


def encode_metadata(pairs: Mapping[str, str]) -> str:
    """Upload-Metadata: comma-separated "key base64(value)"."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


def decode_metadata(header: str) -> dict[str, str]:
    """The inverse of `encode_metadata`. Raises ValueError on anything malformed, repeated keys included."""
    pairs: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = item.partition(" ")
        if key in pairs:
            raise ValueError(f"metadata key {key!r} stands twice")
        try:
            pairs[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError(f"metadata value of {key!r} is not base64 of UTF-8") from error
    return pairs


def repr_digest(sha256_hex: str) -> str:
    """RFC 9530 Repr-Digest with sha-256."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256_hex)).decode()}:"


def sha256_of(header: str) -> str | None:
    """The sha-256 of a Repr-Digest header in hex; None when it has none or it is malformed."""
    found = _SHA256.search(header)
    if found is None:
        return None
    try:
        digest = base64.b64decode(found[1], validate=True)
    except binascii.Error:
        return None
    return digest.hex() if len(digest) == 32 else None


def count_of(headers: Mapping[str, str], name: str) -> int | None:
    """A header that is a non-negative decimal integer; None when missing or anything else."""
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else None


def words_of(headers: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in headers.get(name, "").split(",") if word.strip())
