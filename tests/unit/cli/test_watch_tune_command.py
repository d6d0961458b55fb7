"""`edge watch tune` on a film and on what a camera recorded."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import pytest

from tests.support.command import edge
from tests.support.moving_picture import street
from tests.support.ondisk import at, make_node


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures a second: five seconds of nobody, a passage of five, five of nobody."""
    path = tmp_path_factory.mktemp("film") / "look.mp4"
    with av.open(str(path), "w") as written:
        stream = written.add_stream("libx264", rate=10, options={"preset": "ultrafast", "crf": "20", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(150):
            picture = street(640, 360, (number - 50) / 50 if 50 <= number < 100 else None)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, "gray").reformat(format="yuv420p")):
                written.mux(packet)
        for packet in stream.encode():
            written.mux(packet)
    return path


def test_a_film_becomes_a_picture_of_what_was_decided(film: Path, tmp_path: Path) -> None:
    outcome = edge("watch", "tune", film, "-o", tmp_path / "why.png")
    assert outcome.code == 0
    assert "episodes: 1 in 15 s" in outcome.out
    picture = cv2.imread(str(tmp_path / "why.png"))
    assert picture is not None
    assert picture.shape[1] == 1280


def test_sensitivity_is_tried_without_a_change_of_the_configuration(film: Path, tmp_path: Path) -> None:
    assert "episodes: 0 " in edge("watch", "tune", film, "--sensitivity", "0.01", "-o", tmp_path / "why.png").out


def test_what_a_camera_recorded_is_looked_at_on_record(tmp_path: Path) -> None:
    node = make_node(tmp_path)
    words = ("watch", "tune", "--config", node.config, "--camera", "cam0", "--from", at(0), "--to", at(11), "-o", tmp_path / "why.png")
    assert edge(*words).code == 2
    assert not (tmp_path / "why.png").exists()
    outcome = edge(*words, "--operator", "a.nowak", "--case", "aiming")
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "why.png").exists()
    assert "tune" in edge("custody", "--config", node.config, "--json").out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("{film}", "-o", "there.png"), "exists already"),
        (("{film}", "-o", "why.gif"), "not a .png"),
        (("nothing.mp4", "-o", "why.png"), "there is no file"),
        (("text.mp4", "-o", "why.png"), "not a film"),
        (("-o", "why.png"), "which footage"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(film: Path, tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    (tmp_path / "there.png").write_text("mine")
    (tmp_path / "text.mp4").write_text("no film")
    outcome = edge("watch", "tune", *(word.format(film=film) for word in words), cwd=tmp_path)
    assert outcome.code == 2
    assert why in outcome.err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["text.mp4", "there.png"]
    assert (tmp_path / "there.png").read_text() == "mine"


def test_the_configuration_named_before_tune_counts_as_well(film: Path, tmp_path: Path) -> None:
    node = make_node(tmp_path)
    outcome = edge("watch", "--config", node.config, "tune", film, "--camera", "cam0", "-o", tmp_path / "why.png", cwd=tmp_path)
    assert outcome.code == 0, outcome.err
