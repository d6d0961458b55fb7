"""Keys of node.toml for what goes out when somebody asks: uploads, commands, the pull server, live pictures. As model.py."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from edge.config.hours import HOURS_PATTERN
from edge.config.kinds import FilePath, SecretPath


class Upload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where clips go. The destination is never taken from a command."""

    url: Annotated[
        str,
        Meta(
            pattern=r"^https?://",
            description="tus: creation URL; put: where folders are made; s3: HOST/BUCKET; plain http only on loopback",
            extra={"allowed": "https://HOST/PATH"},
        ),
    ]
    method: Annotated[
        Literal["tus", "put", "s3"],
        Meta(description="tus: goes on where it was cut; put: HTTP PUT to url/<node>/<job>/<name> (WebDAV), each file whole; s3: signed"),
    ] = "tus"
    region: Annotated[str, Meta(pattern="^[a-z0-9-]{1,63}$", description="of the bucket; s3 only")] = "us-east-1"
    token_file: Annotated[
        SecretPath, Meta(description="file (mode 0600), first line: a bearer token; for s3 ACCESS_KEY_ID:SECRET_ACCESS_KEY")
    ] = ""
    ca: Annotated[FilePath, Meta(description="PEM of the authority that signed the server's certificate; empty: the system's")] = ""
    certificate: Annotated[FilePath, Meta(description="PEM of the node's own certificate; with key")] = ""
    key: Annotated[SecretPath, Meta(description="PEM of its private key (mode 0600)")] = ""
    jobs: Annotated[int, Meta(ge=1, le=8, description="clip jobs delivered at once; an urgent one finds room beside them")] = 2
    rate_kbps: Annotated[int, Meta(ge=0, description="most that all uploads together may use, divided fairly; 0: no limit")] = 0
    quiet_hours: Annotated[
        list[Annotated[str, Meta(pattern=HOURS_PATTERN, extra={"allowed": "HH:MM-HH:MM, local time"})]],
        Meta(max_length=16, description='no uploads then but urgent ones, e.g. ["06:00-09:00", "22:00-05:30"], by [node] timezone'),
    ] = []
    metered: Annotated[bool, Meta(description="the link is paid by volume: uploads keep to daily_mb")] = False
    daily_mb: Annotated[
        int, Meta(ge=1, le=1_000_000, description="with metered: most MB (10^6 bytes) in a local day, both directions, but for urgent jobs")
    ] = 500
    patch_bytes: Annotated[int, Meta(ge=65_536, le=1 << 30, description="most bytes in one PATCH request")] = 8 << 20
    progress_timeout_s: Annotated[float, Meta(ge=1.0, le=600.0, description="no byte taken for so long: the connection is given up")] = 20.0
    backoff_max_s: Annotated[float, Meta(ge=0.2, le=3600.0, description="longest wait between attempts (full jitter)")] = 60.0
    deadline_h: Annotated[float, Meta(gt=0.0, le=720.0, description="a job that could not be delivered by then has failed")] = 72.0


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the centre may ask for. Commands need [mqtt] command_key."""

    per_operator_and_hour: Annotated[
        int, Meta(ge=1, le=10_000, description="most commands of one operator within an hour, of each verb")
    ] = 60
    reboot: Annotated[
        FilePath, Meta(description="program that `edge run` starts, without arguments, to reboot the machine; empty: never from afar")
    ] = ""


class Serve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An HTTPS server for towns with fibre or VPN: timelines, clips and snapshots. Every client needs a certificate. No [serve] section: no
    open port."""

    host: Annotated[str, Meta(min_length=1, description="address to listen on, e.g. that of the VPN; 0.0.0.0: all")]
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port; 0: any free one")] = 8443
    certificate: Annotated[FilePath, Meta(min_length=1, description="PEM of the server's certificate, then of intermediate authorities")]
    key: Annotated[SecretPath, Meta(min_length=1, description="PEM of its private key (mode 0600)")]
    ca: Annotated[FilePath, Meta(min_length=1, description="PEM of the authority that certifies clients; the CN is the operator")]
    crl: Annotated[FilePath, Meta(description="PEM of the authority's list of revoked certificates; read at the start")] = ""
    operators: Annotated[list[str], Meta(description="CNs that are admitted; empty: every certificate of the authority")] = []
    per_operator_and_hour: Annotated[
        int, Meta(ge=1, le=10_000, description="most views and exports of one operator within an hour; going on with one counts once")
    ] = 60
    streams: Annotated[int, Meta(ge=1, le=32, description="most clips that are sent at once; one operator has at most half of them")] = 4
    rate_kbps: Annotated[int, Meta(ge=0, description="most that all clips together may use; 0: no limit")] = 0


class Live(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where `live` pushes the picture to. The destination is never taken from a command. No [live] section: no live picture."""

    url: Annotated[
        str,
        Meta(
            pattern=r"^(rtsps?|srt|rtmps?|https?)://",
            description="address; {node}, {camera} are their ids; https: WHIP; srt takes ?streamid=&latency=ms; plain text on loopback",
            extra={"allowed": "rtsp(s)://, srt://, rtmp(s)://, http(s):// of a WHIP endpoint"},
        ),
    ]
    token_file: Annotated[
        SecretPath,
        Meta(description="file (mode 0600): SRT passphrase (10-79 characters), user:password of RTSP and RTMP, WHIP's bearer token"),
    ] = ""
    ca: Annotated[
        FilePath, Meta(description="PEM of the authority that signed the server's certificate (rtsps, rtmps, https); empty: the system's")
    ] = ""
    max_minutes: Annotated[float, Meta(gt=0.0, le=240.0, description="longest live session")] = 10.0
    sessions: Annotated[int, Meta(ge=1, le=8, description="most live sessions at once")] = 1
