"""The reference centre: client library and upload receiver.

`edge.centre.Client` is what programs of a town use. It is loaded when it is asked for: the rest of the package runs without MQTT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.centre.client import Client

__all__ = ["Client"]


def __getattr__(name: str) -> object:
    if name == "Client":
        from edge.centre.client import Client

        return Client
    raise AttributeError(name)
