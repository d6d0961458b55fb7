"""Kinds of values that several keys of node.toml have in common."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        description="letters, digits, . _ - (at most 63)",
        extra={"allowed": "1 to 63 of: letters, digits, . _ - and a letter or digit first"},
    ),
]
Unit = Annotated[float, Meta(ge=0.0, le=1.0)]
Mask = Annotated[list[tuple[Unit, Unit]], Meta(min_length=3, max_length=64, extra={"allowed": "3 to 64 corners [x, y], each from 0 to 1"})]
"""Corners in order around the area, from the picture's top left."""
FilePath = Annotated[str, Meta(extra={"path": "file"})]
"""A file or folder; relative to the folder of node.toml."""
SecretPath = Annotated[str, Meta(extra={"path": "secret"})]
"""A file that only its owner may read (mode 0600); relative to the folder of node.toml."""
