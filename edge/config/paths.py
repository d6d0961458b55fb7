"""Relative paths in node.toml mean: relative to the folder that holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from edge.config.keys import extra_of
from edge.config.model import NodeConfig
from edge.config.sources import absolute_source

_S = TypeVar("_S", bound=msgspec.Struct)


def with_absolute_paths(config: NodeConfig, folder: Path) -> NodeConfig:
    """The same configuration with every path key and every file: source absolute; empty paths stay empty."""
    cameras = [
        msgspec.structs.replace(absolute_paths(camera, folder), source=absolute_source(camera.source, folder)) for camera in config.camera
    ]
    return msgspec.structs.replace(
        config,
        node=absolute_paths(config.node, folder),
        camera=cameras,
        seal=config.seal and absolute_paths(config.seal, folder),
        mqtt=config.mqtt and absolute_paths(config.mqtt, folder),
        upload=config.upload and absolute_paths(config.upload, folder),
        command=absolute_paths(config.command, folder),
        serve=config.serve and absolute_paths(config.serve, folder),
    )


def path_keys(struct: msgspec.Struct, kind: str | None = None) -> list[str]:
    """Names of the keys of `struct` that are paths (of `kind` "file" or "secret", None: both) and not empty."""
    shape = inspect.type_info(type(struct))
    assert isinstance(shape, inspect.StructType)
    kinds = {field.name: extra_of(field.type).get("path") for field in shape.fields}
    return [name for name, found in kinds.items() if found and kind in (None, found) and getattr(struct, name)]


def absolute_paths(struct: _S, folder: Path) -> _S:
    """One table with its path keys absolute."""
    changes: dict[str, Any] = {key: str(folder / getattr(struct, key)) for key in path_keys(struct)}
    return msgspec.structs.replace(struct, **changes)
