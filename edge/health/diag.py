"""A node's diagnosis: one look at everything a crew asks about, within DIAG_MAX_BYTES. Nothing secret: of secret files not even a hash."""

from __future__ import annotations

import hashlib
import logging
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import msgspec

from edge.clock import NS_PER_MS, NS_PER_S, Clock, format_utc
from edge.config.model import NodeConfig
from edge.config.read import Loaded
from edge.config.trial import read_trial
from edge.errors import StorageError
from edge.health.probe import probe
from edge.health.report import health_document
from edge.health.troubles import told_by, without_values
from edge.host.disk import Disk
from edge.host.identity import boot_id
from edge.host.kernel_log import kernel_troubles
from edge.host.supervision import supervisor_of
from edge.host.sysfs import read_text
from edge.messages.diag import CertificateDiag, ConfigDiag, Diagnosis, LinkNote, RingDiag
from edge.ring.layout import NodeFolders
from edge.ring.names import RingFolder, SegmentName
from edge.seal.certificates import BadCertificate, read_certificates, subject_of, validity_of

log = logging.getLogger(__name__)

DIAG_MAX_BYTES = 48_000
TROUBLES_MAX = 60
KERNEL_MAX = 20
_PACKAGES = ("av", "click", "cryptography", "msgspec", "numpy", "opencv-python-headless", "paho-mqtt", "PyJWT")
_NEWEST = 20
_DAY_NS = 86_400 * NS_PER_S
_FILE_MAX_BYTES = 1 << 20


def diagnose(loaded: Loaded, folders: NodeFolders, disk: Disk, clock: Clock, root: Path = Path("/")) -> Diagnosis:
    """Any thread; may take seconds on a full ring (one listing of each day). Raises nothing for what cannot be read: it is unknown."""
    config = loaded.config
    note = _link_note(folders)
    seen = probe(config, folders, disk, clock, root)
    told = told_by(disk, folders, seen.reading.utc_ns, TROUBLES_MAX)
    alarms = sorted({code for each in told for code in each.alarms})
    health = health_document(config, seen, link=note.link if note else None, config_sha256=loaded.sha256, alarms=alarms)
    supervisor = supervisor_of(folders.supervisor, boot_id())
    troubles = sorted((trouble for each in told for trouble in each.troubles), key=lambda each: (each.t, each.journal, each.seq))
    found = Diagnosis(
        health=health,
        packages=dict(_packages()),
        python=platform.python_version(),
        free_inodes=_free_inodes(disk, folders),
        config=_config(loaded, disk),
        rings=[_ring(disk, folders, camera.id) for camera in config.camera],
        journals=[each.diag for each in told],
        alarms=alarms,
        link=note,
        certificates=[*_certificates(config, seen.reading.utc_ns if seen.reading.dated else None)],
        supervisor=supervisor.serves if supervisor is not None else None,
        kernel=kernel_troubles(KERNEL_MAX, root),
        troubles=troubles[-TROUBLES_MAX:],
    )
    return _fitting(found)


def _fitting(found: Diagnosis) -> Diagnosis:
    """Without the oldest of what there is most of, until it fits."""
    whole = {"troubles": len(found.troubles), "kernel": len(found.kernel), "journals": len(found.journals)}
    while len(msgspec.json.encode(found)) > DIAG_MAX_BYTES:
        kernel, troubles, journals = found.kernel, found.troubles, found.journals
        if troubles:
            troubles = troubles[(len(troubles) + 1) // 2 :]
        elif kernel:
            kernel = kernel[(len(kernel) + 1) // 2 :]
        elif journals:
            journals = journals[: len(journals) // 2]
        else:
            break
        now = {"troubles": len(troubles), "kernel": len(kernel), "journals": len(journals)}
        left_out = {name: whole[name] - count for name, count in now.items() if count < whole[name]}
        found = msgspec.structs.replace(found, kernel=kernel, troubles=troubles, journals=journals, left_out=left_out)
    return found


def _link_note(folders: NodeFolders) -> LinkNote | None:
    text = read_text(folders.link_note)
    try:
        return msgspec.json.decode(text, type=LinkNote) if text is not None else None
    except msgspec.DecodeError:
        return None


def _packages() -> Iterator[tuple[str, str]]:
    for name in _PACKAGES:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue


def _free_inodes(disk: Disk, folders: NodeFolders) -> int | None:
    try:
        return disk.space(folders.data).free_inodes
    except StorageError:
        return None


def _config(loaded: Loaded, disk: Disk) -> ConfigDiag:
    try:
        with loaded.path.open("rb") as file:
            on_disk = hashlib.sha256(file.read(_FILE_MAX_BYTES)).hexdigest()
    except OSError:
        on_disk = None
    errors = without_values(loaded.fault.errors) if loaded.fault is not None else []
    trial = read_trial(disk, loaded.path)
    told = f"{trial.state} {trial.id}" if trial is not None else ""
    return ConfigDiag(in_force=loaded.sha256, on_disk=on_disk, errors=errors, trial=told)


def _ring(disk: Disk, folders: NodeFolders, camera: str) -> RingDiag:
    ring = RingFolder(disk, folders.ring(camera))
    try:
        days = ring.days()
        names = [name for day in days for name in ring.day(day)]
        undated = len(ring.undated())
    except StorageError as error:
        log.warning("camera %s: its ring cannot be listed: %s", camera, error)
        return RingDiag(camera=camera, segments=0, days=0, undated=0)
    return RingDiag(
        camera=camera,
        segments=len(names) + undated,
        days=len(days),
        undated=undated,
        bytes_about=_bytes_about(disk, folders.ring(camera), names, len(names) + undated),
        oldest=_utc(names[0].start_utc_ms) if names else None,
        newest=_utc(names[-1].end_utc_ms) if names else None,
    )


def _bytes_about(disk: Disk, ring: Path, names: list[SegmentName], count: int) -> int | None:
    sizes = []
    for name in names[-_NEWEST:]:
        try:
            sizes.append(disk.stat(ring / name.path).size)
        except StorageError:  # swept or renamed meanwhile
            continue
    return sum(sizes) * count // len(sizes) if sizes else None


def _utc(moment_ms: int | None) -> str | None:
    return None if moment_ms is None else format_utc(moment_ms * NS_PER_MS)


def _certificates(config: NodeConfig, now_ns: int | None) -> Iterator[CertificateDiag]:
    named = [("seal.certificate", config.seal.certificate if config.seal else "")]
    named += [("mqtt.certificate", config.mqtt.certificate), ("mqtt.ca", config.mqtt.ca)] if config.mqtt else []
    named += [("upload.certificate", config.upload.certificate), ("upload.ca", config.upload.ca)] if config.upload else []
    for key, path in named:
        if path:
            yield _certificate(key, Path(path), now_ns)


def _certificate(key: str, path: Path, now_ns: int | None) -> CertificateDiag:
    """Of several in a file the first. days_left is unknown while the clock is."""
    try:
        with path.open("rb") as file:
            certificate = read_certificates(file.read(_FILE_MAX_BYTES), count=None)[0]
    except (OSError, BadCertificate) as error:
        return CertificateDiag(key=key, fault=error.strerror or "" if isinstance(error, OSError) else "is no certificate")
    until_ns = validity_of(certificate)[1]
    days_left = None if now_ns is None else round((until_ns - now_ns) / _DAY_NS, 1)
    return CertificateDiag(key=key, subject=subject_of(certificate), not_after=format_utc(until_ns), days_left=days_left)
