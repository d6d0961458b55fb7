"""What the centre may change of a node's configuration, and what it may not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.config.afar import FROM_AFAR, Considered, consider
from edge.config.explain import explain
from edge.config.read import Loaded, read_config
from tests.support.nodefile import write_config

FULL = """
[node]
id = "pole-1"
data = "data"

[[camera]]
id = "cam0"
source = "synthetic:"
[[camera.zone]]
name = "gate"
polygon = [[0, 0], [1, 0], [1, 1]]

[[camera]]
id = "cam1"
source = "synthetic:"

[mqtt]
host = "broker.example"
command_key = "command.pub"

[upload]
url = "https://receiver.example/files"

[seal]
certificate = "pole.pem"
key = "pole.key"
"""


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    for name in ("command.pub", "pole.pem", "pole.key"):
        (tmp_path / name).touch(mode=0o600)
    return read_config(write_config(tmp_path, FULL))


def after(loaded: Loaded, old: str, new: str) -> Considered:
    assert old in FULL
    return consider(loaded, FULL.replace(old, new, 1))


def test_the_same_document_changes_nothing(loaded: Loaded) -> None:
    found = consider(loaded, FULL)
    assert (found.problems, found.changed, found.sha256) == ((), (), loaded.sha256)


@pytest.mark.parametrize(
    ("old", "new", "changed", "units"),
    [
        ("[mqtt]", "[watch]\nend_s = 9\n[mqtt]", ["watch.end_s"], ["watcher", "agent"]),
        ("[mqtt]", "[health]\ninterval_s = 5\n[mqtt]", ["health.interval_s"], ["agent"]),
        ("[mqtt]", "[retention]\ndays = 45\n[mqtt]", ["retention.days"], ["recorder:cam0", "recorder:cam1", "agent"]),
        ('"https://receiver.example/files"', '"https://receiver.example/files"\nrate_kbps = 500', ["upload.rate_kbps"], ["agent"]),
        ('id = "cam0"', 'id = "cam0"\nsensitivity = 2.0', ["camera[0].sensitivity"], ["watcher", "agent"]),
        ("[1, 1]]", "[0.5, 1]]", ["camera[0].zone[0].polygon"], ["watcher", "agent"]),
        ("[mqtt]", "# a remark\n[mqtt]", [], ["agent"]),
    ],
)
def test_what_tunes_a_node_may_be_changed_and_starts_those_anew_that_read_it(
    loaded: Loaded, old: str, new: str, changed: list[str], units: list[str]
) -> None:
    found = after(loaded, old, new)
    assert (found.problems, list(found.changed), list(found.units)) == ((), changed, units)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"pole-1"', '"pole-2"', "node.id"),
        ('data = "data"', 'data = "elsewhere"', "node.data"),
        ("broker.example", "other.example", "mqtt.host"),
        ('"broker.example"', '"broker.example"\nport = 443', "mqtt.port"),
        ('command_key = "command.pub"', 'command_key = "pole.pem"', "mqtt.command_key"),
        ('command_key = "command.pub"', "", "mqtt.command_key"),
        ("receiver.example", "other.example", "upload.url"),
        (
            'key = "pole.key"',
            'key = "pole.key"\ncheckpoint_s = 3600',
            "seal.checkpoint_s",
        ),
        ('[seal]\ncertificate = "pole.pem"\nkey = "pole.key"\n', "", "seal.signer"),
        ('source = "synthetic:"', 'source = "rtsp://evil.example/"', "camera[0].source"),
        ('[[camera]]\nid = "cam1"\nsource = "synthetic:"\n', "", "camera[1].id"),
        ('id = "cam0"', 'id = "cam0"\nmotion = false', "camera[0].motion"),
        ("[mqtt]", "[command]\nreboot = 'pole.key'\n[mqtt]", "command.reboot"),
        ("[mqtt]", "[clock]\ntrust = 'assume'\n[mqtt]", "clock.trust"),
        ("[mqtt]", "[retention]\nprofile = 'custom'\nbasis = 'x'\n[mqtt]", "retention.profile"),
        ("[mqtt]", "[retention]\ndays = 25\n[mqtt]", "retention.days"),
        ("[mqtt]", "[retention]\ndays = 61\n[mqtt]", "retention.days"),
        ("[mqtt]", "[watch]\nend_s = 900\n[mqtt]", "watch.end_s"),
        ("[mqtt]", "[mqtt", ""),
    ],
)
def test_what_takes_a_node_away_or_breaks_the_law_is_refused_by_name(loaded: Loaded, old: str, new: str, key: str) -> None:
    assert key in [problem.path for problem in after(loaded, old, new).problems]


def test_every_key_that_may_be_changed_is_one_of_the_model(loaded: Loaded) -> None:
    keys = [value.path for value in explain(loaded)]
    for pattern in FROM_AFAR:
        assert any(re.fullmatch(pattern, key) for key in keys), pattern


def test_what_files_there_are_is_not_told(loaded: Loaded, tmp_path: Path) -> None:
    """Whoever may ask for a check could else look for files, one after another."""
    (tmp_path / "there.pem").touch()
    there, absent = (after(loaded, 'command_key = "command.pub"', f'command_key = "{name}.pem"') for name in ("there", "absent"))
    assert [str(problem) for problem in there.problems] == [str(problem) for problem in absent.problems]


def test_a_file_that_is_named_already_and_is_gone_is_told(loaded: Loaded, tmp_path: Path) -> None:
    (tmp_path / "command.pub").unlink()
    assert [problem.path for problem in after(loaded, "[mqtt]", "# a remark\n[mqtt]").problems] == ["mqtt.command_key"]
