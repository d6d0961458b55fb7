"""Signature Version 4 for S3: what a request carries so that the server knows who sends it and that nothing was changed.

Source: Amazon S3 API reference, "Authenticating requests: using the Authorization header (Signature Version 4)". The one primitive is
HMAC-SHA256 of the standard library.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, quote, urlsplit

from edge.clock import NS_PER_S
from edge.host.timesync import KernelClock

_ALGORITHM = "AWS4-HMAC-SHA256"
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
PAYLOAD = "x-amz-content-sha256"
"""Header with the SHA-256 (hex) of the body; without it the body is empty."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LEARNT_S = 60
"""A clock that is so far off was not read from the server before."""


def utc_s() -> float:
    """This machine's UTC in seconds, trusted or not."""
    return KernelClock("assume").read().utc_ns / NS_PER_S


class Signer:
    """Any thread. secret: of the access key. now_s: UTC in seconds."""

    def __init__(self, key_id: str, secret: str, region: str, now_s: Callable[[], float] = utc_s) -> None:
        self._key_id, self._secret, self._region, self._now_s = key_id, secret, region, now_s
        self._ahead_s = 0.0
        """The server's clock against ours."""

    def sign(self, method: str, url: str, headers: Mapping[str, str]) -> dict[str, str]:
        """What is to be sent beside `headers`, of which those named x-amz-... and Content-Type, Date, Range are signed."""
        now = _EPOCH + timedelta(seconds=self._now_s() + self._ahead_s)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        given = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
        more = {"x-amz-date": stamp} | ({} if PAYLOAD in given else {PAYLOAD: _EMPTY_SHA256})
        signed = {name: value for name, value in given.items() if name.startswith("x-amz-") or name in ("content-type", "date", "range")}
        signed |= more | {"host": urlsplit(url).netloc.rpartition("@")[2]}
        names = ";".join(sorted(signed))
        scope = f"{day}/{self._region}/s3/aws4_request"
        lines = [f"{name}:{signed[name]}" for name in sorted(signed)]
        request = "\n".join([method, _path(url), _query(url), *lines, "", names, signed[PAYLOAD]])
        text = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
        key = f"AWS4{self._secret}".encode()
        for step in (*scope.split("/"), text):
            key = hmac.digest(key, step.encode(), "sha256")
        return more | {"Authorization": f"{_ALGORITHM} Credential={self._key_id}/{scope}, SignedHeaders={names}, Signature={key.hex()}"}

    def learn(self, date: str) -> bool:
        """Take the time of a server that refused, from its Date header. Whether it is worth another try: a signature holds for 15
        minutes around the server's time, and the clock of a node may be wrong by years."""
        try:
            theirs_s = (parsedate_to_datetime(date) - _EPOCH).total_seconds()
        except (ValueError, TypeError):
            return False
        ahead_s = theirs_s - self._now_s()
        if abs(ahead_s - self._ahead_s) < _LEARNT_S:
            return False
        self._ahead_s = ahead_s
        return True


def _path(url: str) -> str:
    return quote(urlsplit(url).path or "/", safe="/-_.~%")


def _query(url: str) -> str:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    return "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs))
