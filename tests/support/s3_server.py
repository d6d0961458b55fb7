"""S3 on loopback that is not ours: moto keeps the objects (in memory), botocore judges the signatures. Run as a process, not imported.

    python -m tests.support.s3_server PORT [--ahead SECONDS]

Its first line is the port. Bucket, key and region: of `s3`. --ahead: its clock against this machine's; a signature holds 15 minutes.
Under /look/ everything is shown without a signature.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import re
import socket
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from email.utils import formatdate
from typing import Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import Client
from werkzeug.wrappers import Response

from tests.support.s3 import BUCKET, KEY_ID, REGION, SECRET

HOLDS_S = 900
_WORDS = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/s3/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]+)")

_SOMEBODY = "AWS4-HMAC-SHA256 Credential=somebody/20260101/us-east-1/s3/aws4_request"
"""What moto wants to see before it shows or takes anything; it believes everybody."""

Start = Callable[..., Any]


class Guard:
    """In front of moto: what Amazon would refuse, is refused."""

    def __init__(self, app: Any, ahead_s: float) -> None:
        self._app, self._ahead_s = app, ahead_s

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/look/"):
            for name in ("PATH_INFO", "RAW_URI", "REQUEST_URI"):
                environ[name] = environ[name].removeprefix("/look")
            environ["HTTP_AUTHORIZATION"] = _SOMEBODY
            return self._app(environ, start)  # type: ignore[no-any-return]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        fault = "400 RequestTimeout" if len(body) != length else self._fault(environ, body)
        if fault:
            status, _, code = fault.partition(" ")
            return Response(f"<Error><Code>{code}</Code></Error>", int(status), mimetype="application/xml")(environ, start)
        environ["wsgi.input"] = io.BytesIO(body)
        return self._app(environ, start)  # type: ignore[no-any-return]

    def _fault(self, environ: dict[str, Any], body: bytes) -> str:
        found = _WORDS.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
        if found is None:
            return "403 AccessDenied"
        key_id, region, names, signature = found.groups()
        if key_id != KEY_ID:
            return "403 InvalidAccessKeyId"
        if region != REGION:
            return "400 AuthorizationHeaderMalformed"
        headers = {name: environ.get(_wsgi(name), "") for name in names.split(";")}
        unsigned = {name for name in environ if name.startswith("HTTP_X_AMZ_")} - {_wsgi(name) for name in headers}
        if unsigned or "host" not in headers:
            return "403 AccessDenied"
        asked = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
        if abs(asked.timestamp() - time.time() - self._ahead_s) > HOLDS_S:  # noqa: TID251 - a server of its own
            return "403 RequestTimeTooSkewed"
        request = AWSRequest(environ["REQUEST_METHOD"], f"http://{headers['host']}{environ['RAW_URI']}", headers)
        request.context["timestamp"] = headers["x-amz-date"]
        judge = S3SigV4Auth(Credentials(KEY_ID, SECRET), "s3", REGION)
        if judge.signature(judge.string_to_sign(request, judge.canonical_request(request)), request) != signature:
            return "403 SignatureDoesNotMatch"
        return "" if hashlib.sha256(body).hexdigest() == headers["x-amz-content-sha256"] else "400 XAmzContentSHA256Mismatch"


def _wsgi(name: str) -> str:
    plain = name.upper().replace("-", "_")
    return plain if plain == "CONTENT_TYPE" else f"HTTP_{plain}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--ahead", type=float, default=0.0)
    words = parser.parse_args()

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(time.time() + words.ahead, usegmt=True)  # noqa: TID251

        def log(self, *_: object) -> None:
            """Says nothing."""

    moto = DomainDispatcherApplication(create_backend_app)
    made = Client(moto).put(f"/{BUCKET}", base_url="http://127.0.0.1", data=f"<x><LocationConstraint>{REGION}</LocationConstraint></x>")
    assert made.status_code == 200, made.text
    listener = socket.create_server(("127.0.0.1", words.port))
    print(listener.getsockname()[1], flush=True)
    make_server("127.0.0.1", 0, Guard(moto, words.ahead), threaded=True, request_handler=Handler, fd=listener.fileno()).serve_forever()


if __name__ == "__main__":
    main()
