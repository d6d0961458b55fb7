"""What single values cannot show: faults between keys. Reads tables that shape.py has pruned: a key that is there has the right type."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from edge.config import sources
from edge.config.hours import DAY_MINUTES, quiet_minutes
from edge.config.legal import legal_faults
from edge.config.masks import mask_faults
from edge.config.model import Retention
from edge.config.problems import Problem

Tables = dict[str, Any]

_HERE = "this machine alone (localhost, 127.0.0.1, ::1)"
_KNOWN_ZONE = "Europe/Warsaw"
SIGNER_KEYS = {"file": ("key",), "pkcs11": ("pkcs11_module", "pkcs11_token", "pkcs11_label", "pin_file")}
"""Keys of [seal] that a signer cannot do without."""


def check_cross(tables: Tables) -> list[Problem]:
    """All faults between keys, in the order of the model."""
    return [
        *_node(tables),
        *_cameras(tables),
        *_retention(tables),
        *_seal(tables.get("seal")),
        *_mqtt(tables.get("mqtt")),
        *_upload(tables.get("upload")),
        *_live(tables.get("live")),
    ]


def is_loopback(host: str) -> bool:
    """localhost, 127.0.0.0/8 or ::1. Names are not resolved."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _node(tables: Tables) -> Iterator[Problem]:
    if tables.get("node", {}).get("id") == "all":
        yield Problem("node.id", '"all" stands for every node in topics: choose another')
    name = tables.get("node", {}).get("timezone")
    if name is not None and not _zone_exists(name):
        yield Problem("node.timezone", f'"{name}" is not a time zone; allowed: IANA names such as {_KNOWN_ZONE} or UTC')


def _zone_exists(name: str) -> bool:
    """True also where this machine has no time zone database at all: recording does not wait for one."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return name == _KNOWN_ZONE or not _zone_loads(_KNOWN_ZONE)
    return True


def _zone_loads(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except zoneinfo.ZoneInfoNotFoundError:
        return False
    return True


def _cameras(tables: Tables) -> Iterator[Problem]:
    cameras = tables.get("camera", [])
    yield from _repeated([camera.get("id") for camera in cameras], "camera[{}].id", "camera")
    for number, camera in enumerate(cameras):
        here = f"camera[{number}]"
        yield from _sources(camera, here)
        yield from (Problem(f"{here}.{key}", text) for key, text in mask_faults(camera))
        zones = camera.get("zone", [])
        yield from _repeated([zone.get("name") for zone in zones], here + ".zone[{}].name", "zone")
        for which, zone in enumerate(zones):
            if zone.get("least_m") and not zone.get("span_m"):
                yield Problem(f"{here}.zone[{which}].least_m", "needs span_m: how many metres the picture's width would span there")
            if zone.get("least_m") and zone.get("kind") == "exclude":
                yield Problem(f"{here}.zone[{which}].least_m", "says nothing in an excluded zone: leave it out")
            if "polygon" in zone and _area(zone["polygon"]) < 1e-6:
                yield Problem(f"{here}.zone[{which}].polygon", "has no area: its corners lie on one line")


def _repeated(names: list[str | None], path: str, what: str) -> Iterator[Problem]:
    for number, name in enumerate(names):
        first = names.index(name)
        if name is not None and first != number:
            yield Problem(path.format(number), f'"{name}" is already the name of {what}[{first}]: each needs its own')


def _sources(camera: Tables, here: str) -> Iterator[Problem]:
    source, luma = camera.get("source"), camera.get("luma_source")
    fault = sources.source_fault(source) if source is not None else None
    if fault:
        yield Problem(f"{here}.source", fault)
    local = source is not None and not fault and sources.kind_of(source) not in sources.NETWORK
    if luma:
        luma_fault = sources.source_fault(luma)
        if luma_fault or sources.kind_of(luma) not in sources.NETWORK:
            yield Problem(f"{here}.luma_source", luma_fault or "must be an rtsp:// URL")
        elif local:
            yield Problem(f"{here}.luma_source", "only an rtsp:// camera has a second stream: leave it out")
    if camera.get("secrets") and local:
        yield Problem(f"{here}.secrets", "only an rtsp:// source takes a user and password: leave it out")


def _area(corners: list[list[float]]) -> float:
    pairs = zip(corners, corners[1:] + corners[:1], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2


def _retention(tables: Tables) -> Iterator[Problem]:
    given = tables.get("retention", {})
    plain = Retention()

    def value(key: str) -> Any:
        return given.get(key, getattr(plain, key))

    for key, text in legal_faults(value("profile"), value("basis"), value("days"), value("minimum_days")):
        yield Problem(f"retention.{key}", text)
    if value("journal_days") < value("days"):
        yield Problem("retention.journal_days", f"{value('journal_days'):g} is under days = {value('days'):g}: journals outlive footage")


def _seal(seal: Tables | None) -> Iterator[Problem]:
    if seal is None:
        return
    signer = seal.get("signer", "file")
    for key in SIGNER_KEYS.get(signer, ()):
        if not seal.get(key):
            yield Problem(f"seal.{key}", f'signer = "{signer}" needs it')


def _mqtt(mqtt: Tables | None) -> Iterator[Problem]:
    if mqtt is None:
        return
    if mqtt.get("tls") is False and "host" in mqtt and not is_loopback(mqtt["host"]):
        yield Problem("mqtt.tls", f'false is allowed for {_HERE}, not for "{mqtt["host"]}"')
    if mqtt.get("password_file") and not mqtt.get("user"):
        yield Problem("mqtt.password_file", "needs mqtt.user as well")
    yield from _pair(mqtt, "mqtt")


def _upload(upload: Tables | None) -> Iterator[Problem]:
    if upload is None:
        return
    if "url" in upload:
        yield from _upload_url(upload["url"])
    if len(quiet_minutes(upload.get("quiet_hours", []))) == DAY_MINUTES:
        yield Problem("upload.quiet_hours", "leave no minute of the day for uploads")
    signed = upload.get("method") == "s3"
    if signed and not upload.get("token_file"):
        yield Problem("upload.token_file", 'method = "s3" needs it: a file with the line ACCESS_KEY_ID:SECRET_ACCESS_KEY')
    if "region" in upload and not signed:
        yield Problem("upload.region", 'counts only with method = "s3": write that, or leave it out')
    if "daily_mb" in upload and upload.get("metered") is not True:
        yield Problem("upload.daily_mb", "counts only with metered = true: write that, or leave it out")
    yield from _pair(upload, "upload")


def _upload_url(url: str) -> Iterator[Problem]:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        yield Problem("upload.url", f"is not a URL: {error}")
        return
    if not url.isascii() or " " in url:
        yield Problem("upload.url", "has blanks or letters beyond ASCII in it: write them as %20, %C5%BC ...; a host as xn--...")
    if not host:
        yield Problem("upload.url", "names no host")
    elif parts.scheme == "http" and not is_loopback(host):
        yield Problem("upload.url", f'plain http is allowed for {_HERE}, not for "{host}": write https://')
    if parts.username is not None or parts.password is not None:
        yield Problem("upload.url", "has a user or password in it: put a token into the file named by token_file")


def _live(live: Tables | None) -> Iterator[Problem]:
    if live is None or "url" not in live:
        return
    url = live["url"].replace("{node}", "n").replace("{camera}", "c")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        yield Problem("live.url", f"is not a URL: {error}")
        return
    if not url.isascii() or set(url) & set(" {}"):
        yield Problem("live.url", "has blanks, braces or letters beyond ASCII in it; {node} and {camera} alone are replaced")
    if parts.username is not None or parts.password is not None or "passphrase" in parts.query:
        yield Problem("live.url", "has a user, password or passphrase in it: put it into the file named by token_file")
    if not host:
        yield Problem("live.url", "names no host")
    elif not is_loopback(host) and (parts.scheme in ("rtsp", "rtmp", "http") or (parts.scheme == "srt" and not live.get("token_file"))):
        better = "name a token_file with the passphrase" if parts.scheme == "srt" else f"write {parts.scheme}s://"
        yield Problem("live.url", f'plain text is allowed for {_HERE}, not for "{host}": {better}')
    if parts.scheme == "srt" and port is None:
        yield Problem("live.url", "srt needs a port: srt://HOST:PORT")


def _pair(table: Tables, section: str) -> Iterator[Problem]:
    for one, other in (("certificate", "key"), ("key", "certificate")):
        if table.get(one) and not table.get(other):
            yield Problem(f"{section}.{one}", f"needs {section}.{other} as well")
