"""RTSP 1.0 messages (RFC 2326) and their authentication (RFC 7616, RFC 7617). Pure."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

_CHALLENGE_PART = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
HEAD_MAX_BYTES = 64 << 10
BODY_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """headers: names in lower case; several of one name are kept apart."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known == name), "")

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]


def request(method: str, url: str, sequence: int, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {url} RTSP/1.0", f"CSeq: {sequence}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def read_answer(data: bytes, start: int = 0) -> tuple[Answer, int] | None:
    """The message at data[start:] and where it ends; None when it is not complete yet. Raises ValueError for what is no RTSP.

    A request from the server (some cameras announce things) comes back with status 0."""
    stop = data.find(b"\r\n\r\n", start)
    if stop < 0:
        if len(data) - start > HEAD_MAX_BYTES:
            raise ValueError("a message head without end")
        return None
    first, *lines = data[start:stop].decode("utf-8", "replace").split("\r\n")
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        headers.append((name.strip().lower(), value.strip()))
    status, reason = _status(first)
    answer = Answer(status, reason, tuple(headers), b"")
    length = answer.header("content-length") or "0"
    if not length.isdigit() or int(length) > BODY_MAX_BYTES:
        raise ValueError("a message body without a sane length")
    end = stop + 4 + int(length)
    if end > len(data):
        return None
    return Answer(status, reason, answer.headers, data[stop + 4 : end]), end


def _status(line: str) -> tuple[int, str]:
    version, _, rest = line.partition(" ")
    if version.startswith("RTSP/"):
        code, _, reason = rest.partition(" ")
        if code.isdigit():
            return int(code), reason
    elif line.endswith(" RTSP/1.0"):
        return 0, line
    raise ValueError("no RTSP message")


@dataclass(frozen=True, slots=True)
class _Challenge:
    scheme: str
    values: dict[str, str]


class Login:
    """Answers a server's challenges; remembers the last one so that each request is asked only once. Shows nothing of itself in a repr."""

    def __init__(self, user: str, password: str, cnonce: Callable[[], str] = secrets.token_hex) -> None:
        self._user, self._password, self._cnonce = user, password, cnonce
        self._challenge: _Challenge | None = None
        self._count = 0

    def __repr__(self) -> str:
        return "Login(...)"

    def learn(self, challenges: list[str]) -> bool:
        """Take the strongest challenge this product understands; False when there is none or no user is known."""
        known = [challenge for challenge in map(_read_challenge, challenges) if challenge is not None]
        known.sort(key=lambda each: (each.scheme == "digest", each.values.get("algorithm", "MD5").upper() == "SHA-256"))
        if not known or not self._user:
            return False
        self._challenge, self._count = known[-1], 0
        return True

    def header(self, method: str, url: str) -> str | None:
        """The Authorization header's value; None where nobody asked for one."""
        challenge = self._challenge
        if challenge is None:
            return None
        if challenge.scheme == "basic":
            return "Basic " + base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
        return self._digest(challenge.values, method, url)

    def _digest(self, values: dict[str, str], method: str, url: str) -> str:
        algorithm = values.get("algorithm", "MD5").upper()
        make = _HASHES[algorithm]

        def hashed(*parts: str) -> str:
            return make(":".join(parts).encode()).hexdigest()

        realm, nonce = values.get("realm", ""), values.get("nonce", "")
        secret, asked = hashed(self._user, realm, self._password), hashed(method, url)
        fields = {"username": self._user, "realm": realm, "nonce": nonce, "uri": url}
        text = ", ".join(f'{name}="{_quoted(value)}"' for name, value in fields.items())
        if "auth" in re.split(r"[\s,]+", values.get("qop", "")):
            self._count += 1
            count, own = f"{self._count:08x}", self._cnonce()
            text += f', response="{hashed(secret, nonce, count, own, "auth", asked)}", qop=auth, nc={count}, cnonce="{own}"'
        else:
            text += f', response="{hashed(secret, nonce, asked)}"'
        if "opaque" in values:
            text += f', opaque="{values["opaque"]}"'
        return f"Digest {text}" + (f", algorithm={algorithm}" if "algorithm" in values else "")


def _read_challenge(text: str) -> _Challenge | None:
    scheme, _, rest = text.strip().partition(" ")
    values = {name.lower(): quoted or plain for name, quoted, plain in _CHALLENGE_PART.findall(rest)}
    scheme = scheme.lower()
    if scheme == "basic" or (scheme == "digest" and values.get("algorithm", "MD5").upper() in _HASHES):
        return _Challenge(scheme, values)
    return None


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
