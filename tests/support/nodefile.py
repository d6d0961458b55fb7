"""Small node.toml files."""

from __future__ import annotations

from pathlib import Path

SMALLEST = """
[node]
id = "pole-1"
data = "data"

[[camera]]
id = "cam0"
source = "synthetic:"
"""


def write_config(folder: Path, text: str = SMALLEST, more: str = "") -> Path:
    """node.toml in `folder`; returns its path."""
    path = folder / "node.toml"
    path.write_text(text + more, encoding="utf-8")
    return path
