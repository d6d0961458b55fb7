"""Writes the reference pages from what they describe: configuration.md from the model, command-line.md from the commands' help,
mqtt.md, asyncapi.json and the brokers' access lists from the table of topics, attacks.md from the table of attacks. Run it with
`make docs`; tests/unit/test_docs.py fails while a page is not current."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from edge.cli import main as cli
from edge.config.keys import Key, keys_of, sections
from edge.config.legal import PROFILES
from edge.link import access, asyncapi
from edge.link.topics import TOPICS, Topic

FOLDER = Path(__file__).resolve().parent
MAJOR = "1"
"""Of the messages (the topics' v1): the document does not change with every version of the product."""
_MADE = "<!-- made by docs/generate.py -->\n"


def configuration() -> str:
    """configuration.md."""
    return "\n".join(_configuration()) + "\n"


def _configuration() -> Iterator[str]:
    yield "# Configuration: node.toml\n"
    yield _MADE
    yield _CONFIGURATION
    for section, struct, optional in sections():
        doc = inspect.cleandoc(struct.cls.__doc__ or "").split("\n\n")[0]
        yield f"## {_heading(section)}\n"
        yield doc + (" May be left out.\n" if optional else " Required.\n")
        yield "| key | type | unit | allowed | default | meaning |\n|---|---|---|---|---|---|"
        for key in keys_of(struct, section):
            yield _row(key)
        yield ""
    yield "## Legal bounds of retention\n"
    yield "| profile | least days | most days |\n|---|---|---|"
    for bounds in PROFILES.values():
        yield f"| {bounds.profile} | {bounds.minimum_days:g} | {bounds.maximum_days:g} |"


def _heading(section: str) -> str:
    plain = section.replace("[]", "")
    return f"[[{plain}]]" if section.endswith("[]") else f"[{plain}]"


def _row(key: Key) -> str:
    default = "**required**" if key.default is None else f"`{key.default}`"
    cells = (f"`{key.path.rsplit('.', 1)[-1]}`", key.type, key.unit, key.allowed.removesuffix(f" {key.unit}"), default, key.about)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def command_line() -> str:
    """command-line.md."""
    return "\n".join(_command_line()) + "\n"


def _command_line() -> Iterator[str]:
    yield "# The command line\n"
    yield _MADE
    yield _COMMAND_LINE
    yield from _help(cli.command, "edge", 2)


def _help(command: click.Command, path: str, depth: int) -> Iterator[str]:
    """Written here and not by click, so that pages do not change with its version."""
    context = click.Context(command, info_name=path)
    yield f"{'#' * min(depth, 3)} {path}\n"
    yield inspect.cleandoc(command.help or "") + "\n"
    example = inspect.cleandoc((command.epilog or "").replace("\b\nExample:\n", ""))
    if example:
        yield f"```sh\n{example}\n```\n"
    parameters = [each for each in command.params if isinstance(each, (click.Option, click.Argument))]
    if parameters:
        yield "| option | default | meaning |\n|---|---|---|"
        yield from (_parameter(each) for each in parameters)
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _help(child, f"{path} {name}", depth + 1)


def _parameter(parameter: click.Option | click.Argument) -> str:
    names = ", ".join(f"`{name}`" for name in parameter.opts) if isinstance(parameter, click.Option) else ""
    flag = isinstance(parameter, click.Option) and parameter.is_flag
    value = "" if flag else f"`{(parameter.metavar or parameter.human_readable_name).upper().replace(' ', '-')}`"
    shown = isinstance(parameter, click.Option) and parameter.show_default
    default = "**required**" if parameter.required else f"`{parameter.default}`" if shown else ""
    about = (parameter.help or "") if isinstance(parameter, click.Option) else ""
    return f"| {names} {value} | {default} | {about.replace('|', chr(92) + '|')} |".replace("|  ", "| ").replace("  |", " |")


def mqtt() -> str:
    """mqtt.md."""
    return "\n".join(_mqtt()) + "\n"


def _mqtt() -> Iterator[str]:
    yield "# Topics and messages\n"
    yield _MADE
    yield _MQTT
    yield "| topic | direction | QoS | retained | expires | payload | what |\n|---|---|---|---|---|---|---|"
    for topic in TOPICS:
        yield _topic_row(topic)
    yield "\n## Payloads\n"
    for name, schema in _payloads():
        yield f"### {name}\n"
        yield inspect.cleandoc(schema.get("description", "")) + "\n"
        yield "| field | type | |\n|---|---|---|"
        required = schema.get("required", [])
        for field, shape in schema.get("properties", {}).items():
            yield f"| `{field}` | {_type(shape)} | {'required' if field in required else ''} |"
        yield ""


def _topic_row(topic: Topic) -> str:
    expiry = "" if topic.expiry_s is None else f"{topic.expiry_s} s"
    payload = topic.payload.__name__ if topic.payload else topic.media_type
    cells = (f"`{topic.name}`", topic.direction, str(topic.qos), "yes" if topic.retain else "", expiry, payload, topic.text)
    return "| " + " | ".join(cells) + " |"


def _payloads() -> list[tuple[str, dict[str, Any]]]:
    kinds = list(dict.fromkeys(topic.payload for topic in TOPICS if topic.payload))
    _, components = msgspec.json.schema_components(kinds, ref_template="#{name}")
    return sorted(components.items())


def _type(shape: dict[str, Any]) -> str:
    if "$ref" in shape:
        return str(shape["$ref"]).removeprefix("#")
    if "enum" in shape:
        return "one of " + ", ".join(f"`{value}`" for value in shape["enum"])
    if "anyOf" in shape:
        return " or ".join(_type(part) for part in shape["anyOf"])
    if isinstance(shape.get("items"), dict):
        return f"array of {_type(shape['items'])}"
    return str(shape.get("type", "any JSON"))


def attacks() -> str:
    """attacks.md."""
    return "\n".join(_attacks()) + "\n"


def _attacks() -> Iterator[str]:
    sys.path.insert(0, str(FOLDER.parent))  # the table is what the tests play: it is not installed with the product
    from tests.support.attack_commands import COMMAND_SECTIONS
    from tests.support.attack_rows import SECTIONS
    from tests.support.attack_shapes import EXIT_CODES

    yield "# Attacks, and what the verifier answers\n"
    yield _MADE
    yield _ATTACKS
    for section in SECTIONS:
        yield f"\n## {section.title}\n"
        yield "| attack | what is changed | verdict | exit code | why |\n|---|---|---|---|---|"
        for row in section.rows:
            codecs = "" if len(row.codecs) > 1 else f" ({row.codecs[0].replace('h', 'H.')} only)"
            yield f"| {row.name}{codecs} | {row.changed} | **{row.verdict}** | {EXIT_CODES[row.verdict]} | {row.why} |"
    yield "\n# Attacks on commands, and what the node answers\n"
    yield _COMMAND_ATTACKS
    for commands in COMMAND_SECTIONS:
        yield f"\n## {commands.title}\n"
        yield "| attack | what is sent | answer | why |\n|---|---|---|---|"
        for attack in commands.rows:
            yield f"| {attack.name} | {attack.changed} | **{attack.answer}** | {attack.why} |"


def hardware() -> str:
    """hardware.md."""
    sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]
    from hardware_page import hardware_lines

    return "\n".join(hardware_lines(_MADE)) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "configuration.md": configuration,
    "hardware.md": hardware,
    "command-line.md": command_line,
    "mqtt.md": mqtt,
    "attacks.md": attacks,
    "asyncapi.json": lambda: msgspec.json.format(msgspec.json.encode(asyncapi.document(MAJOR))).decode() + "\n",
    "brokers/mosquitto.acl": lambda: access.mosquitto("town", ["centre"]),
    "brokers/emqx-acl.conf": lambda: access.emqx("town", ["centre"]),
}

_CONFIGURATION = """\
One TOML file describes a node. `edge` looks for `./node.toml`, then `/etc/edge/node.toml`; `--config PATH` names another one.
The smallest file:

```toml
[node]
id = "pole-1"
data = "/data"

[[camera]]
id = "cam0"
source = "rtsp://10.0.0.7/main"
```

* **Strict.** Unknown keys, wrong types and values out of range are refused, all of them in one go, each with its path, what is
  allowed and the nearest known key. `edge config check` tells before a restart does.
* **Layers.** Defaults, then the hardware profile `hw/<node.hw>.toml`, then the file. `edge config explain` shows each origin.
* **A broken file never stops recording.** The last file that recording started with is kept beside it as `node.toml.last-good`. When
  the new one cannot be used, the copy is, and the journal says so (`config_fault`). With neither, the exit code is 78.
* **Relative paths** are relative to the folder of the file.
* **Secrets** stand in files of their own with mode 0600, never in this one.
* **Plain text** (`mqtt.tls = false`, `http://`) is taken for loopback alone.
* A JSON Schema for editors: `edge config schema`.
"""

_COMMAND_LINE = """\
Times are ISO 8601 with `Z` or an offset, or in the node's local time (`node.timezone`), or `now`, `-90s`, `-5m`, `-2h`, `-1d`. A local
time that the change of clocks makes ambiguous or skips is refused with the ways to write it.

| exit code | meaning |
|---|---|
| 0 | done |
| 2 | wrong words: correct the command |
| 65 | evidence does not add up; nothing is repaired by itself |
| 74 | the disk refused |
| 75 | passing trouble: try again |
| 77 | refused; the message says why |
| 78 | the configuration cannot be used; a service manager does not start it again |
| 130 | interrupted |
| 141 | the reader of the output left |
"""

_MQTT = """\
MQTT 5. Names are relative to `<org>/v1/<node>/`. Payloads are JSON (UTF-8); readers ignore fields they do not know. `cmd/{verb}` carries
a JWS in compact form (ES256) whose claims are given here. Times are RFC 3339 UTC with milliseconds.
"""

_ATTACKS = """\
Each row is played in the tests (`tests/unit/seal/test_attack_table.py`), on H.264 and H.265, on clips and on segments, by an attacker who
can rebuild files, tables, check sums and times as he likes and has everything but the node's key. A second reader of the signatures that
shares no code with the product watches that no verdict vouches for a picture whose hash it cannot find.

Verdicts follow one rule, and the worst finding counts. What contradicts a signature: NOT AUTHENTIC. What nothing speaks for: PARTLY
VERIFIED. What is signed and absent, while everything present is proven: AUTHENTIC WITH GAPS. No signature at all: UNSIGNED.

The verdict given is that of a clip, which ends with the access unit that carries its last GOP's SEI. A segment by itself has its last
GOP's SEI in the next segment: for it AUTHENTIC and AUTHENTIC WITH GAPS become PARTLY VERIFIED, the others stay.
"""


_COMMAND_ATTACKS = """\
Each row is played in the tests (`tests/unit/command/test_attacks.py`) by somebody who can publish on the broker and has every command ever
sent, but not the centre's key; some are signed with it all the same, since a fault of the centre must not end a node. After each, the node
obeys the next good command. Beside them: ten thousand payloads that are nearly a command (`test_fuzzed_commands.py`), replays over a life
of jumping clocks (`test_forgotten.py`), floods through a real broker and kills (`tests/fault/test_command_flood.py`). The rules:
[commands](design/commands.md).
"""


def main() -> None:
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
