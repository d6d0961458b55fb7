"""JSON Schema 2020-12 of node.toml, for editors and for the centre."""

from __future__ import annotations

from typing import Any

import msgspec

from edge.config.model import NodeConfig

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema. It knows types, ranges and keys; faults between keys (legal bounds, TLS, unique names) are found by reading alone."""
    return {"$schema": DIALECT, "title": "node.toml", **msgspec.json.schema(NodeConfig)}
