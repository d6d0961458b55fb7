"""The MQTT interface as an AsyncAPI 3.0 document, from the table of topics and the message structs. Operations are seen from the node.

Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0 ; MQTT bindings 0.2.0.
"""

from __future__ import annotations

from typing import Any

import msgspec

from edge.link.topics import COMMAND, RESPONSE, TOPICS, Topic

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BINDING = "0.2.0"


def document(version: str) -> dict[str, Any]:
    """version: of the messages. Schemas are JSON Schema 2020-12; readers ignore fields they do not know."""
    kinds = list(dict.fromkeys(topic.payload for topic in TOPICS if topic.payload))
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "edge recorder",
            "version": version,
            "description": "MQTT 5 between the nodes of a town and its centre. Base of every topic: {org}/v1/{node}; some commands are "
            "taken from {org}/v1/all too.",
        },
        "defaultContentType": "application/json",
        "channels": {key(topic): _channel(topic) for topic in TOPICS},
        "operations": {key(topic): _operation(topic) for topic in TOPICS},
        "components": {"schemas": schemas, "messages": {key(topic): _message(topic) for topic in TOPICS}},
    }


def key(topic: Topic) -> str:
    """The name of a topic's channel, operation and message: its fixed levels."""
    return "-".join(level for level in topic.name.split("/") if not level.startswith("{"))


def _channel(topic: Topic) -> dict[str, Any]:
    own = [topic.name[topic.name.index("{") + 1 : -1]] if "{" in topic.name else []
    about = {"org": "the town, [mqtt] org", "node": "[node] id"}
    parameters = {name: {"description": about.get(name, f"one level: the {name}")} for name in ("org", "node", *own)}
    return {
        "address": f"{{org}}/v1/{{node}}/{topic.name}",
        "description": topic.text,
        "parameters": parameters,
        "messages": {key(topic): {"$ref": f"#/components/messages/{key(topic)}"}},
    }


def _operation(topic: Topic) -> dict[str, Any]:
    binding: dict[str, Any] = {"qos": topic.qos, "retain": topic.retain, "bindingVersion": _BINDING}
    if topic.expiry_s is not None:
        binding["messageExpiryInterval"] = topic.expiry_s
    operation: dict[str, Any] = {
        "action": "send" if topic.direction == "node to centre" else "receive",
        "channel": {"$ref": f"#/channels/{key(topic)}"},
        "summary": topic.text,
        "bindings": {"mqtt": binding},
    }
    if topic is COMMAND:
        operation["reply"] = {"channel": {"$ref": f"#/channels/{key(RESPONSE)}"}}
    return operation


def _message(topic: Topic) -> dict[str, Any]:
    if topic.payload is None:
        return {"name": key(topic), "contentType": topic.media_type}
    schema = {
        "schemaFormat": f"application/schema+json;version={DIALECT}",
        "schema": {"$ref": f"#/components/schemas/{topic.payload.__name__}"},
    }
    message: dict[str, Any] = {"name": key(topic), "contentType": topic.media_type, "payload": schema}
    if topic.media_type == "application/jose":
        message["description"] = "A JWS in compact form (RFC 7515, ES256). The schema is that of its claims."
    return message
