"""Memory that a Raspberry Pi's camera stack takes its buffers from: the kernel's contiguous memory allocator (proc_meminfo(5))."""

from __future__ import annotations

import re
from pathlib import Path


def cma_text(meminfo: Path = Path("/proc/meminfo")) -> str:
    """For logs and errors, e.g. "CMA: 180 of 320 MB free"."""
    found = dict(re.findall(r"^(CmaTotal|CmaFree): +(\d+) kB$", meminfo.read_text(), re.MULTILINE))
    if not int(found.get("CmaTotal", 0)):
        return "CMA: none on this machine"
    return f"CMA: {int(found['CmaFree']) >> 10} of {int(found['CmaTotal']) >> 10} MB free"
