"""A real ext4 of its own on a loop device, whose power can be cut (EXT4_IOC_SHUTDOWN). Needs root."""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

_EXT4_IOC_SHUTDOWN = 0x8004587D
_NO_LOG_FLUSH = 2
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def why_not() -> str:
    """The reason why no loop disk can be had here; empty where it can."""
    if os.geteuid() != 0:
        return "needs root for loop mounts"
    missing = [name for name in ("mkfs.ext4", "losetup", "mount", "umount") if shutil.which(name, path=_PATH) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    if not Path("/dev/loop-control").exists():
        return "this kernel offers no loop devices (/dev/loop-control is missing)"
    return ""


class LoopDisk:
    """`root`: the mounted file system."""

    def __init__(self, folder: Path, size_mb: int, inodes: int | None = None) -> None:
        """inodes: how many files it can hold; None: as many as mkfs thinks right."""
        reason = why_not()
        if reason:
            pytest.skip(reason)
        self.root = folder / "mount"
        self._image = folder / "disk.img"
        self.root.mkdir(parents=True)
        with self._image.open("wb") as image:
            image.truncate(size_mb << 20)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", *(["-N", str(inodes)] if inodes else []), str(self._image))
        self._mounted = False
        try:
            self.mount()
        except subprocess.CalledProcessError as refused:
            pytest.skip(f"a loop mount is refused here: {refused.stderr.strip()}")

    def mount(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.root))
        self._mounted = True

    def cut_power(self) -> None:
        """From now on nothing reaches the device; what was not synced is gone at the next mount."""
        folder = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, _EXT4_IOC_SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(folder)

    def unmount(self) -> None:
        """A file that a failed test left open does not keep the mount: it goes with that file."""
        if self._mounted:
            self._mounted = False
            try:
                _run("umount", str(self.root))
            except subprocess.CalledProcessError:
                _run("umount", "--lazy", str(self.root))
                raise


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "PATH": _PATH})
