"""A key in a PKCS#11 token (secure element, OP-TEE, smart card). The token's library runs in a process of its own (pkcs11_process.py), with
a deadline for each call: one that hangs or crashes costs signatures, never the recording."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256

from edge.clock import monotonic_s
from edge.errors import ConfigError
from edge.host.child import kill_now
from edge.seal.ecdsa import require_digest, to_der
from edge.seal.pkcs11_wire import Message, Open, Opened, Sign, Signed, Trouble, receive, send
from edge.seal.signer import Assurance, SigningTrouble

OPEN_S = 15.0
"""To load the library, log in and find the key: smart cards take seconds."""
PROCESS = ("-m", "edge.seal.pkcs11_process")

_refused: set[bytes] = set()
"""Tokens and PINs (hashed) that did not fit together in this process's life: they are not tried again, since tokens lock after a few."""


class Pkcs11Signer:
    """The port `Signer`. The thread that uses it must live as long as it does (see edge.host.child.die_with_parent)."""

    assurance: Assurance = "hardware"

    def __init__(self, token: Open, deadline_s: float, *, open_s: float = OPEN_S) -> None:
        """Blocks for up to `open_s`. Raises ConfigError, SigningTrouble."""
        self._token = token
        self._deadline_s = deadline_s
        self._open_s = open_s
        self._process: _TokenProcess | None = None
        self.public_key = self._opened(monotonic_s() + open_s).public_key

    def sign(self, digest: bytes) -> bytes:
        require_digest(digest)
        until_s = monotonic_s() + self._deadline_s
        try:
            process = self._opened(until_s)
        except ConfigError as error:
            raise SigningTrouble(error.message, remedy=error.remedy) from error
        if process.public_key != self.public_key:
            self.close()
            raise SigningTrouble(f"the token {self._token.token} has another key now")
        answer = process.ask(Sign(digest), until_s)
        if isinstance(answer, Signed):
            try:
                return to_der(answer.raw)
            except ValueError as error:
                raise SigningTrouble(f"the token answered with {error}") from error
        self.close()
        if isinstance(answer, Trouble):
            raise SigningTrouble(answer.text)
        raise SigningTrouble(f"the token {self._token.token} gave no signature within {self._deadline_s:g} s, or its library died")

    def close(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None

    def _opened(self, until_s: float) -> _TokenProcess:
        """The process with its key found. It may take longer to start than a signature may: then it goes on starting."""
        if self._process is None:
            if _mark(self._token) in _refused:
                raise ConfigError(
                    f"the token {self._token.token} refused this PIN before: it is not tried again",
                    remedy="correct seal.pin_file; after unlocking the token, restart",
                )
            self._process = _TokenProcess(self._token, monotonic_s() + self._open_s)
        process = self._process
        if process.public_key:
            return process
        answer = process.answer(min(until_s, process.open_until_s))
        if isinstance(answer, Opened):
            process.public_key = answer.public_key
            return process
        if answer is not None or process.gone or monotonic_s() >= process.open_until_s:
            self.close()
        if isinstance(answer, Trouble):
            raise self._error(answer)
        raise SigningTrouble(f"the token {self._token.token} is not open" + (" yet" if self._process else ": its library hangs or died"))

    def _error(self, trouble: Trouble) -> ConfigError | SigningTrouble:
        text = f"token {self._token.token!r}, key {self._token.label!r}: {trouble.text}"
        if trouble.kind == "passing":
            return SigningTrouble(text)
        if trouble.kind == "pin":
            _refused.add(_mark(self._token))
        return ConfigError(text, remedy="correct [seal] in node.toml, or the token")


def _mark(token: Open) -> bytes:
    return sha256("\0".join((token.module, token.token, token.pin)).encode()).digest()


class _TokenProcess:
    """One life of the process. public_key: b"" until it is open. gone: it closed its end."""

    def __init__(self, token: Open, open_until_s: float, words: Sequence[str] = PROCESS) -> None:
        self.open_until_s = open_until_s
        self.public_key = b""
        self.gone = False
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            argv = [sys.executable, *words, "--fd", str(theirs.fileno()), "--parent", str(os.getpid())]
            try:
                self._process = subprocess.Popen(
                    argv, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
                )
            except OSError as error:
                self._socket.close()
                raise SigningTrouble(f"the token's process cannot be started: {error.strerror}") from error
        self._say(token, open_until_s)

    def ask(self, message: Message, until_s: float) -> Message | None:
        """None: no answer in time, or none ever."""
        self._say(message, until_s)
        return self.answer(until_s)

    def answer(self, until_s: float) -> Message | None:
        try:
            self._socket.settimeout(max(until_s - monotonic_s(), 0.001))
            found = receive(self._socket)
        except TimeoutError:
            return None
        except OSError:
            found = None
        self.gone = found is None
        return found

    def end(self) -> None:
        self._socket.close()
        kill_now(self._process)

    def _say(self, message: Message, until_s: float) -> None:
        try:
            self._socket.settimeout(max(until_s - monotonic_s(), 0.001))
            send(self._socket, message)
        except OSError:  # it died: the answer will not come either
            self.gone = True
