"""A configuration shown far away: the same one, without what may be secret."""

from __future__ import annotations

from pathlib import Path

from edge.config.read import Loaded, parse_config
from edge.config.shown import MASKED, document, origins
from tests.unit.config.test_afar import FULL

PATH = Path("/etc/edge/node.toml")
TRICKY = """
[node]
id = "pole-1"   # the password of the box is hunter2
data = "data"
place = 'corner "A" \\ B'

[[camera]]
id = "cam0"
source = "rtsp://192.0.2.7/stream?user=u&pw=hunter2#hunter2"
options = { password = "hunter2", api_key = "hunter2", speed = 2.0, nested = { token = "hunter2", far = true } }
zone = [{ name = "gate", polygon = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]] }]

[upload]
url = "https://receiver.example:8443/files?sig=hunter2"
token_file = "upload.token"
"""


def loaded_of(text: str) -> Loaded:
    config, found = parse_config(text.encode(), PATH)
    return Loaded(config, PATH, "", None, found, text.encode())


def test_what_is_shown_means_the_same() -> None:
    for text in (FULL, FULL + "\n[watch]\nend_s = 7\n"):
        loaded = loaded_of(text)
        assert parse_config(document(loaded).encode(), PATH) == parse_config(text.encode(), PATH)


def test_nothing_that_may_be_secret_is_shown_wherever_it_slipped_in() -> None:
    loaded = loaded_of(TRICKY)
    shown = document(loaded)
    assert "hunter2" not in shown + str(origins(loaded))
    config, _ = parse_config(shown.encode(), PATH)
    assert config.node.place == 'corner "A" \\ B'
    assert config.camera[0].options == {"password": MASKED, "api_key": MASKED, "speed": 2.0, "nested": {"token": MASKED, "far": True}}
    assert config.upload is not None
    assert config.upload.url == f"https://receiver.example:8443/files?{MASKED}"
    assert [zone.name for zone in config.camera[0].zone] == ["gate"]


def test_each_value_says_where_it_comes_from() -> None:
    found = origins(loaded_of(TRICKY))
    assert found["node.id"] == ['"pole-1"', "node.toml"]
    assert found["upload.token_file"] == [f'"{PATH.parent}/upload.token"', "node.toml"]
    assert "watch.end_s" not in found
