"""Access lists for brokers, from the table of topics: a node may write what it tells and read what it is told, of itself alone.

Names stand one by one: a wildcard over all of a node's topics would let a stolen node write its own commands. A node's user name is its
id (with certificates: their common name), never the client id, which anybody can choose.
"""

from __future__ import annotations

from collections.abc import Iterator

from edge.link.topics import ALL, COMMAND, STATUS, TOPICS, pattern

_MOSQUITTO = """\
# Access list for Mosquitto: acl_file in mosquitto.conf. Made by `edge centre acl mosquitto`.
# %u is the user name, which is the node's id.
"""
_EMQX = """\
%% Access list for EMQX 5: etc/acl.conf, with authorization.no_match = deny. Made by `edge centre acl emqx`.
%% ${username} is the node's id (listeners.ssl.default: peer_cert_as_username = cn).
"""


def node_writes(org: str, node: str) -> list[str]:
    """Topic filters."""
    return [pattern(org, node, topic) for topic in TOPICS if topic.direction == "node to centre"]


def node_reads(org: str, node: str) -> list[str]:
    """Its own status too: by it a node sees that another carries its identity. And what is said to all."""
    own = [pattern(org, node, topic) for topic in TOPICS if topic.direction == "centre to node" or topic is STATUS]
    return [*own, pattern(org, ALL, COMMAND)]


def centre_writes(org: str) -> list[str]:
    return [pattern(org, "+", topic) for topic in TOPICS if topic.direction == "centre to node"]


def mosquitto(org: str, centres: list[str]) -> str:
    """centres: user names of those that keep journals and send commands."""
    return "\n".join([_MOSQUITTO, *_mosquitto_lines(org, centres)]) + "\n"


def _mosquitto_lines(org: str, centres: list[str]) -> Iterator[str]:
    for centre in centres:
        yield f"user {centre}"
        yield f"topic read {org}/v1/#"
        yield from (f"topic write {each}" for each in centre_writes(org))
        yield ""
    yield from (f"pattern write {each}" for each in node_writes(org, "%u"))
    yield from (f"pattern read {each}" for each in node_reads(org, "%u"))


def emqx(org: str, centres: list[str]) -> str:
    """As above."""
    return "\n".join([_EMQX, *_emqx_lines(org, centres)]) + "\n"


def _emqx_lines(org: str, centres: list[str]) -> Iterator[str]:
    for centre in centres:
        yield _rule(f'{{user, "{centre}"}}', "subscribe", [f"{org}/v1/#"])
        yield _rule(f'{{user, "{centre}"}}', "publish", centre_writes(org))
    yield _rule("all", "publish", node_writes(org, "${username}"))
    yield _rule("all", "subscribe", node_reads(org, "${username}"))
    yield "{deny, all}."


def _rule(who: str, action: str, filters: list[str]) -> str:
    listed = ",\n  ".join(f'"{each}"' for each in filters)
    return f"{{allow, {who}, {action}, [\n  {listed}\n]}}."
