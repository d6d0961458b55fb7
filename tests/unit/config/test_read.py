from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edge.config.problems import ConfigProblems
from edge.config.read import locate, parse_config, read_config
from edge.errors import ConfigError
from tests.support.nodefile import SMALLEST, write_config


def faults(text: str) -> dict[str, str]:
    """Key path -> what is wrong, for a file that must be refused."""
    with pytest.raises(ConfigProblems) as caught:
        parse_config(text.encode(), Path("/x/node.toml"))
    return {problem.path: problem.text for problem in caught.value.problems}


def test_the_smallest_file_is_enough(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    loaded = read_config(path)
    assert loaded.config.node.id == "pole-1"
    assert loaded.config.camera[0].source == "synthetic:"
    assert loaded.config.ring.segment_s == 60.0
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert loaded.fault is None


def test_relative_paths_mean_the_folder_of_the_file(tmp_path: Path) -> None:
    more = '[mqtt]\nhost = "h"\nca = "keys/ca.pem"\n[seal]\nkey = "seal.key"\ncertificate = "/etc/seal.pem"\n'
    camera = '[[camera]]\nid = "cam1"\nsource = "file:street.mp4"\n'
    config = read_config(write_config(tmp_path, more=camera + more)).config
    assert config.node.data == str(tmp_path / "data")
    assert config.node.run == ""
    assert config.camera[1].source == f"file:{tmp_path}/street.mp4"
    assert config.mqtt is not None
    assert config.mqtt.ca == str(tmp_path / "keys/ca.pem")
    assert config.seal is not None
    assert (config.seal.key, config.seal.certificate) == (str(tmp_path / "seal.key"), "/etc/seal.pem")


def test_every_error_is_reported_at_once_with_its_path() -> None:
    found = faults(
        """
        [node]
        id = "pole 1"
        dta = "x"
        [[camera]]
        id = "cam0"
        source = "synthetic:"
        fps = 100
        zone = [{name = "z", polygon = [[0.1, 0.2], [2, 0.1], [0.3, 0.3]], knd = 1}]
        [ring]
        segment_s = "60"
        sync = 3
        [retention]
        days = 90
        """
    )
    assert set(found) == {
        "node.id",
        "node.dta",
        "node.data",
        "camera[0].fps",
        "camera[0].zone[0].polygon[1][0]",
        "camera[0].zone[0].knd",
        "ring.segment_s",
        "ring.sync",
        "retention.days",
    }


def test_an_error_names_the_range_with_its_unit() -> None:
    assert faults(SMALLEST + "[ring]\nsegment_s = 1")["ring.segment_s"] == "1 is too small; allowed 2 to 300 s"
    assert faults(SMALLEST + "[mqtt]\nhost='h'\nport = 99999")["mqtt.port"] == "99999 is too large; allowed 1 to 65535"
    assert "more than 0, at most 3650 days" in faults(SMALLEST + "[retention]\ndays = 0")["retention.days"]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("segment_seconds = 3", ""), ("segmnt_s = 3", "segment_s"), ("SYNC = 'off'", "sync"), ("reserve = 0", "reserve_bytes")],
)
def test_an_unknown_key_gets_the_nearest_known_one(wrong: str, right: str) -> None:
    found = faults(SMALLEST + "[ring]\n" + wrong)
    text = found["ring." + wrong.split(" ")[0]]
    assert text.startswith("unknown key")
    assert not right or text.endswith(f"did you mean {right}?")


def test_a_word_that_is_nearly_a_choice_gets_that_choice() -> None:
    assert "did you mean centre?" in faults(SMALLEST + '[mqtt]\nhost = "h"\ndelivery = "center"')["mqtt.delivery"]


def test_a_single_camera_table_is_told_how_arrays_of_tables_are_written() -> None:
    text = SMALLEST.replace("[[camera]]", "[camera]")
    assert "write [[camera]]" in faults(text)["camera"]


def test_a_file_without_cameras_says_so() -> None:
    assert "[[camera]]" in faults('[node]\nid = "a"\ndata = "d"')["camera"]


@pytest.mark.parametrize("value", ["true", '"25"', "[25]", "2026-11-22", "inf", "nan", "0x" + "f" * 5000])
def test_a_number_is_nothing_else(value: str) -> None:
    assert "camera[0].fps" in faults(SMALLEST + f"fps = {value}")


def test_control_characters_are_refused_in_any_text() -> None:
    assert "control characters" in faults(SMALLEST + r'name = "a\u0000b"')["camera[0].name"]
    assert "control characters" in faults(SMALLEST.replace("pole-1", r"pole-1\n"))["node.id"]


def test_a_file_that_is_not_toml_names_line_and_column() -> None:
    assert "line 2" in faults('[node]\nid = "a\nplace = "b"\n')[""]


def test_text_in_another_encoding_is_told_by_line() -> None:
    with pytest.raises(ConfigProblems, match=r"not UTF-8 text \(line 2\)"):
        parse_config(b'[node]\nplace = "\xb3\xf3d\xbc"\n', Path("/x/node.toml"))


def test_a_byte_order_mark_is_harmless() -> None:
    config, _ = parse_config(b"\xef\xbb\xbf" + SMALLEST.encode(), Path("/x/node.toml"))
    assert config.node.id == "pole-1"


def test_values_remember_where_they_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pi.toml").write_text(
        '[board]\nname = "pi"\n[defaults.camera]\nfps = 15.0\nwidth = 640\n[defaults.ring]\nqueue_bytes = 8000000\n', encoding="utf-8"
    )
    monkeypatch.setenv("EDGE_HW_DIR", str(tmp_path))
    text = SMALLEST.replace('data = "data"', 'data = "data"\nhw = "pi"') + "width = 800\n"
    loaded = read_config(write_config(tmp_path, text))
    camera = loaded.config.camera[0]
    assert (camera.fps, camera.width, camera.height) == (15.0, 800, 720)
    assert loaded.config.ring.queue_bytes == 8_000_000
    assert loaded.origins["camera[0].fps"] == "hw/pi.toml"
    assert loaded.origins["camera[0].width"] == "node.toml"
    assert "camera[0].height" not in loaded.origins


def test_an_unknown_hardware_profile_names_the_known_ones() -> None:
    found = faults(SMALLEST.replace('data = "data"', 'data = "data"\nhw = "toaster"'))
    assert "known: " in found["node.hw"]
    assert "desk" in found["node.hw"]


def test_a_profile_that_does_not_fit_the_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[board]\nname = "d"\n[defaults.mqtt]\nhost = "x"\n[defaults.ring]\nsegment_s = 1\n'
    (tmp_path / "desk.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("EDGE_HW_DIR", str(tmp_path))
    fault = faults(SMALLEST)["node.hw"]
    assert "defaults.mqtt" in fault
    assert "ring.segment_s" in fault


def test_every_profile_in_the_product_fits_the_model() -> None:
    from edge.config import hardware

    profiles = sorted(hardware.folder().glob("*.toml"))
    assert profiles
    for profile in profiles:
        hardware.load(profile.stem)


def test_the_file_is_looked_for_here_and_then_in_etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate(tmp_path / "other.toml") == tmp_path / "other.toml"
    write_config(tmp_path)
    assert locate() == Path("node.toml")


def test_no_file_anywhere_is_a_configuration_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("edge.config.read.SEARCHED", (Path("node.toml"), tmp_path / "etc" / "node.toml"))
    with pytest.raises(ConfigError, match="there is no configuration"):
        locate()


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = write_config(tmp_path, "#" * (2 << 20))
    with pytest.raises(ConfigProblems, match="larger than"):
        read_config(path)
