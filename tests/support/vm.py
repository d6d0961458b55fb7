"""A virtual machine with a real kernel whose V4L2 test driver (vivid) is a camera that can be pulled out. Built once, kept in .cache/vm.

Its user land is the camera rig's (tests/support/camera_rig.py), shared read-only with a layer in memory above; the checkout is /repo, and
`Machine.folder` is /job. The kernel is the distribution's own, unpacked, not installed. It is emulated instruction by instruction, some ten
times slower than this machine: /dev/kvm is often there and does not work.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support import camera_rig
from tests.support.command import ROOT

FOLDER = ROOT / ".cache/vm"
KERNEL = "linux-image-amd64"
NEEDED = ("virtio_pci", "9p", "9pnet_virtio", "overlay", "vivid")
VIVID = "n_devs=1 node_types=0x1 num_inputs=1 input_types=0x0"
"""One device, for capture, a webcam (Documentation/admin-guide/media/vivid)."""
BOOT_S = 60.0
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /low /high /root
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
while read module words; do insmod /modules/$module $words || echo "cannot load $module"; done < /modules/order
share() { mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,$3 $1 $2 || echo "no $1"; }
share user /low ro
mount -t tmpfs tmpfs /high; mkdir /high/up /high/work
mount -t overlay -o lowerdir=/low,upperdir=/high/up,workdir=/high/work overlay /root
cd /root; mkdir -p proc sys dev tmp repo job
mount -t proc proc proc; mount -t sysfs sys sys; mount -t devtmpfs dev dev
mount -t tmpfs tmpfs tmp; mkdir -p dev/shm; mount -t tmpfs tmpfs dev/shm
share repo /root/repo ro; share job /root/job rw
ip link set lo up 2>/dev/null || ifconfig lo 127.0.0.1 up
cp /bin/busybox /root/usr/bin/busybox; chroot /root /usr/bin/busybox --install -s /usr/bin
chroot /root /usr/bin/busybox sh -c 'cd /repo && PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/repo exec busybox sh /job/run' > /root/job/out 2>&1
echo $? > /root/job/code
sync; poweroff -f
"""


@cache
def missing() -> str:
    """Why there can be no machine here; "" when there can."""
    for program, package in (("qemu-system-x86_64", "qemu-system-x86"), ("busybox", "busybox-static"), ("apt-get", "apt")):
        if shutil.which(program) is None:
            return f"{program} is not installed (apt-get install {package})"
    return camera_rig.missing()


@dataclass(frozen=True)
class Done:
    code: int
    out: str


@dataclass(frozen=True)
class Machine:
    """folder: empty; shared with the machine."""

    folder: Path

    def run(self, script: str, timeout_s: float) -> Done:
        """Boots, runs a shell script as root, and ends."""
        (self.folder / "run").write_text(script)
        shares = {"user": (camera_rig.built(), ",readonly=on"), "repo": (ROOT, ",readonly=on"), "job": (self.folder, "")}
        words = [
            "qemu-system-x86_64",
            "-machine",
            "pc",
            "-accel",
            "tcg,thread=multi",
            "-cpu",
            "max",
            "-smp",
            "2",
            "-m",
            "2048",
            "-nographic",
            "-no-reboot",
        ]
        words += ["-nodefaults", "-serial", "stdio", "-kernel", str(built() / "vmlinuz"), "-initrd", str(built() / "initrd")]
        words += ["-append", "console=ttyS0 panic=-1 quiet"]
        for tag, (path, more) in shares.items():
            words += ["-virtfs", f"local,path={path},mount_tag={tag},security_model=none,multidevs=remap{more}"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=BOOT_S + timeout_s, check=False, stdin=subprocess.DEVNULL)
        code = self.folder / "code"
        assert code.exists(), f"the machine did not end in order: {done.stdout[-3000:]}{done.stderr[-2000:]}"
        return Done(int(code.read_text()), (self.folder / "out").read_text(errors="replace"))


@cache
def built() -> Path:
    """vmlinuz and initrd; made anew when the recipe has changed."""
    key = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    mark = FOLDER / "key"
    if not mark.exists() or mark.read_text() != key:
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        _build()
        mark.write_text(key)
    return FOLDER


def _build() -> None:
    name = re.findall(r"Depends: (linux-image-\S+)", _said("apt-cache", "depends", KERNEL))[0]
    _said("apt-get", "-o", "APT::Sandbox::User=root", "download", name)
    (package,) = FOLDER.glob("linux-image-*.deb")
    _said("dpkg-deb", "-x", str(package), "kernel")
    package.unlink()
    (kernel,) = (FOLDER / "kernel/boot").glob("vmlinuz-*")
    kernel.rename(FOLDER / "vmlinuz")
    tree = FOLDER / "tree"
    for folder in ("bin", "modules"):
        (tree / folder).mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox is not None
    shutil.copy(busybox, tree / "bin/busybox")
    (tree / "init").write_text(INIT)
    (tree / "init").chmod(0o755)
    files = {path.stem.replace("-", "_"): path for path in (FOLDER / "kernel").rglob("*.ko")}
    order = list(dict.fromkeys(module for name in NEEDED for module in _with_dependencies(name, files)))
    for module in order:
        shutil.copy(files[module], tree / "modules" / module)
    lines = [f"{module} {VIVID if module == 'vivid' else ''}".strip() for module in order]
    (tree / "modules/order").write_text("\n".join(lines) + "\n")
    _said("sh", "-c", "cd tree && find . | busybox cpio -o -H newc > ../initrd")
    shutil.rmtree(FOLDER / "kernel")
    shutil.rmtree(tree)


def _with_dependencies(name: str, files: dict[str, Path]) -> Iterator[str]:
    """Modules in the order in which they can be loaded; what is built into the kernel has no file. Of the module's own word (.modinfo)."""
    path = files.get(name)
    if path is None:
        return
    found = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
    for needed in found[1].decode().split(",") if found and found[1] else []:
        yield from _with_dependencies(needed.replace("-", "_"), files)
    yield name


def _said(*words: str) -> str:
    done = subprocess.run(words, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{' '.join(words[:3])}: {done.stderr[-2000:]}"
    return done.stdout
