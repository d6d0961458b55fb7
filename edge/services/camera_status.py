"""<run>/<camera>/status.json, replaced about once a second: what health, watcher and people see of a recorder."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec

from edge.clock import NS_PER_MS, Clock, format_utc, monotonic_s
from edge.messages.status import CameraStatus
from edge.messages.stream import StreamInfo
from edge.ring.progress import Progress

log = logging.getLogger(__name__)


class StatusFile:
    """One thread. On a memory file system: no sync, and a refusal is no reason to do anything but say so once."""

    def __init__(self, folder: Path, camera: str, clock: Clock, boot: str) -> None:
        self._path = folder / "status.json"
        self._fresh = folder / ".status.json.new"
        self._camera, self._clock, self._boot = camera, clock, boot
        self._last: tuple[float, Progress] | None = None
        self._fps: float | None = None
        self._refused = False

    def put(
        self,
        state: str,
        progress: Progress,
        *,
        info: StreamInfo | None,
        worker_pid: int | None,
        gops_dropped: int,
        restarts: int,
        fault: str,
    ) -> None:
        """`progress`: what is on disk. fault: in words, "" where all is well."""
        self._measure(progress)
        now = self._clock.read()
        status = {
            "camera": self._camera,
            "state": state,
            "t": format_utc(now.utc_ns),
            "clock": now.state,
            "mono_ms": now.boot_ns // NS_PER_MS,
            "boot": self._boot,
            "pid": os.getpid(),
            "worker_pid": worker_pid,
            "source_name": info.source_name if info else "",
            "codec": info.codec if info else "",
            "width": info.width if info else None,
            "height": info.height if info else None,
            "fps": self._fps,
            "bitrate_kbps": round(progress.bytes_per_s * 8 / 1000, 1) if progress.fragments else None,
            "segment_seq": progress.segment_seq,
            "last_fragment_mono_ms": None if progress.last_fragment_boot_ns is None else progress.last_fragment_boot_ns // NS_PER_MS,
            "fragments": progress.fragments,
            "frames": progress.frames,
            "bytes_written": progress.bytes_written,
            "gops_dropped": gops_dropped,
            "worker_restarts": restarts,
            "write_ms_p99": progress.write_ms_p99,
            "journal_backlog": progress.journal_backlog,
            "fault": fault,
        }
        self._replace(msgspec.json.encode(msgspec.convert(status, CameraStatus)))

    def _measure(self, progress: Progress) -> None:
        """Frames a second on disk, over the last five seconds or more."""
        now_s = monotonic_s()
        if self._last is None:
            self._last = (now_s, progress)
        elif now_s - self._last[0] >= 5.0:
            frames = progress.frames - self._last[1].frames
            self._fps = round(frames / (now_s - self._last[0]), 2)
            self._last = (now_s, progress)

    def _replace(self, data: bytes) -> None:
        try:
            self._fresh.write_bytes(data)
            self._fresh.replace(self._path)
        except OSError as refused:
            if not self._refused:
                log.error("camera %s: %s cannot be written: %s", self._camera, self._path, refused)
            self._refused = True
        else:
            self._refused = False
