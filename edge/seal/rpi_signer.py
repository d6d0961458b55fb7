"""A key in the OTP memory of a Raspberry Pi 4 or 5; its firmware signs (raspberrypi/utils: rpifwcrypto). Written from the sources of the
two tools it calls and tried with stand-ins for them only, not yet on a Pi.

`rpi-fw-crypto` tells the public half and the key's status and makes the key. Its `sign` hashes the file it is given itself, and the port
has a digest only: so the digest goes to the firmware as the property message GET_CRYPTO_ECDSA_SIGN, through `vcmailbox`. Both tools open
/dev/vcio (group video).
"""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.clock import monotonic_s
from edge.errors import ConfigError, UsageError
from edge.host.child import kill_now
from edge.seal.ecdsa import COORDINATE_BYTES, DIGEST_BYTES, require_digest, to_der, to_raw
from edge.seal.signer import Assurance, SigningTrouble

OPEN_S = 5.0
_KEY_TOOL, _MAILBOX_TOOL = "rpi-fw-crypto", "vcmailbox"
_LOCKED = 1 << 8
"""ARM_CRYPTO_KEY_STATUS_LOCKED (of newer firmware: READ_LOCKED): the firmware does not tell the key until the next start."""
_SIGN = 0x00030091
_TAG_BYTES, _VALUE_BYTES = 128, 136
"""What the vendor's own library states of the value buffer, and what it has: the message is the same to the byte."""
_DONE = _FAILED = 0x8000_0000
"""The same bit: set in code and length by a firmware that answered, in an answer's status by one that could not."""
_STATUS = re.compile(rb"status: 0x([0-9a-fA-F]{1,8})\b")
_EMPTY = ("Key not set", "Key not found")
_EMPTY_TEXT = "is empty"
_LARGEST_OUTPUT = 64 * 1024


class RpiSigner:
    """The port `Signer`. tools: the folder of the two tools, "" to find them in PATH. Assurance "hardware" only where the firmware says
    that the key is locked (config.txt: lock_device_private_key=1): an unlocked one can be read by all of group video."""

    def __init__(self, key_id: int, deadline_s: float, tools: str = "") -> None:
        """Raises ConfigError: no tool, no key; SigningTrouble."""
        self._key_id = key_id
        self._deadline_s = deadline_s
        self._tools = tools
        self.public_key = read_public_key(key_id, tools)
        self.assurance: Assurance = "hardware" if _is_locked(key_id, tools) else "file"

    def sign(self, digest: bytes) -> bytes:
        require_digest(digest)
        try:
            answer = _run(self._tools, _MAILBOX_TOOL, _sign_words(self._key_id, digest), self._deadline_s)
        except ConfigError as error:
            raise SigningTrouble(error.message, remedy=error.remedy) from error
        return _signature(answer)

    def close(self) -> None: ...


def read_public_key(key_id: int, tools: str = "") -> bytes:
    """DER SubjectPublicKeyInfo. Raises ConfigError where there is no key, or one that is not on P-256; SigningTrouble."""
    try:
        der = _run(tools, _KEY_TOOL, ["pubkey", "--key-id", str(key_id)], OPEN_S)
    except SigningTrouble as trouble:
        if any(word in trouble.message for word in _EMPTY):
            raise ConfigError(
                f"OTP key {key_id} {_EMPTY_TEXT}", remedy="make it with `edge key create --yes-irreversible`, or correct seal.rpi_key"
            ) from trouble
        raise
    try:
        key = serialization.load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SigningTrouble(f"{_KEY_TOOL} pubkey: it answers with no public key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigError(f"OTP key {key_id} is not on curve P-256")
    return der


def create_otp_key(key_id: int, tools: str = "", *, irreversible: bool) -> None:
    """Burns a new key into OTP memory, for ever. The firmware itself refuses where the place is not blank. Raises UsageError where there is
    a key or `irreversible` was not said; ConfigError, SigningTrouble."""
    try:
        read_public_key(key_id, tools)
    except ConfigError as error:
        if _EMPTY_TEXT not in error.message:
            raise
    else:
        raise UsageError(f"OTP key {key_id} is there already", remedy="it can be used as it is: go on with `edge key csr`")
    if not irreversible:
        raise UsageError(f"OTP key {key_id} would be burnt into this board for ever", remedy="say --yes-irreversible")
    _run(tools, _KEY_TOOL, ["genkey", "--key-id", str(key_id), "--alg", "ec"], OPEN_S)


def _is_locked(key_id: int, tools: str) -> bool:
    found = _STATUS.search(_run(tools, _KEY_TOOL, ["get-key-status", str(key_id)], OPEN_S))
    if not found:
        raise SigningTrouble(f"{_KEY_TOOL} get-key-status: its answer does not read")
    return int(found[1], 16) & _LOCKED != 0


def _sign_words(key_id: int, digest: bytes) -> list[str]:
    """Tag, size of the value buffer, length (of a request: 0), then the buffer: flags, key, digest length, digest, room for the answer.
    vcmailbox puts the message's size and a request code before them and the end tag after them."""
    value = struct.pack(f"<III{DIGEST_BYTES}s", 0, key_id, DIGEST_BYTES, digest).ljust(_VALUE_BYTES, b"\0")
    words = struct.unpack(f"<{_VALUE_BYTES // 4}I", value)
    return [f"0x{word:08x}" for word in (_SIGN, _TAG_BYTES, 0, *words)]


def _signature(printed: bytes) -> bytes:
    """DER, from the message as vcmailbox prints it back: size, code, tag, buffer size, length, then status, signature's length, signature.
    The firmware is said to answer in DER; r || s is taken as well."""
    try:
        words = [int(word, 16) for word in printed.split()]
        value = struct.pack(f"<{len(words) - 5}I", *words[5:])
    except (ValueError, struct.error) as error:
        raise SigningTrouble(f"{_MAILBOX_TOOL}: its answer does not read: {printed[:80]!r}") from error
    if len(value) < _VALUE_BYTES or not (words[1] & _DONE and words[4] & _DONE) or words[5] & _FAILED:
        raise SigningTrouble("the firmware did not sign: is it too old, or the key empty?")
    signature = value[8 : 8 + words[6]]
    try:
        return to_der(signature) if len(signature) == 2 * COORDINATE_BYTES else to_der(to_raw(signature))
    except ValueError as error:
        raise SigningTrouble(f"the firmware answered with no signature: {error}") from error


def _run(tools: str, tool: str, words: list[str], deadline_s: float) -> bytes:
    """Its standard output. The tool is gone when this returns, however it ended."""
    name = str(Path(tools, tool)) if tools else tool
    until_s = monotonic_s() + deadline_s
    try:
        process = subprocess.Popen(
            [name, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
    except OSError as error:
        raise ConfigError(f"{name} cannot be run: {error.strerror}", remedy="install it: apt install raspi-utils") from error
    try:
        out, err = process.communicate(timeout=max(until_s - monotonic_s(), 0.001))
    except subprocess.TimeoutExpired:
        raise SigningTrouble(f"{tool} {words[0]} gave no answer within {deadline_s:g} s") from None
    finally:
        kill_now(process)
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
    if process.returncode != 0:
        said = " ".join((err or out).decode("utf-8", "replace").split())[-200:]
        raise SigningTrouble(f"{tool} {words[0]} failed ({process.returncode}): {said}")
    return out[:_LARGEST_OUTPUT]
