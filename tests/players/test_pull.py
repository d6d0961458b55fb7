"""Players that open a clip straight from the node's address, with a client certificate, and seek in it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.players import DEADLINE_S, needs
from tests.support.pull import OPERATOR, PullNode, clip_path, pull_node
from tests.support.video import frame_number

PICTURES = 100
PATH = clip_path(0, 4)


@pytest.fixture(scope="module")
def pull(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PullNode]:
    with pull_node(tmp_path_factory.mktemp("pull"), padding=20_000) as running:
        yield running


def options(pull: PullNode) -> dict[str, str]:
    certificate, key = pull.certificate(OPERATOR)
    return {"cert_file": str(certificate), "key_file": str(key), "ca_file": str(pull.authority.ca), "tls_verify": "1", "seekable": "1"}


def address(pull: PullNode, path: str = PATH) -> str:
    return f"https://127.0.0.1:{pull.port}{path}"


def run(pull: PullNode, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    given = [word for name, value in options(pull).items() for word in (f"-{name}", value)]
    command = [needs(program), "-v", "error", *given, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def test_ffprobe_reads_all_of_it(pull: PullNode) -> None:
    done = run(pull, "ffprobe", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", address(pull))
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", str(PICTURES))


def test_ffmpeg_begins_in_the_middle_and_the_journal_has_one_export(pull: PullNode, tmp_path: Path) -> None:
    before, out = len(pull.records()), tmp_path / "late.mp4"
    done = run(pull, "ffmpeg", "-ss", "3", "-i", address(pull, clip_path(0, 4, case="8/26")), "-c", "copy", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 25
    assert [each.case for each in pull.records()[before:]] == ["8/26"], "many ranges, one record"


def test_without_a_certificate_ffmpeg_gets_nothing(pull: PullNode) -> None:
    words = ["-v", "error", "-ca_file", str(pull.authority.ca), "-tls_verify", "1", address(pull)]
    done = subprocess.run([needs("ffprobe"), *words], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode != 0


def test_pyav_seeks_to_the_picture_that_is_asked_for(pull: PullNode) -> None:
    with av.open(address(pull), options=options(pull)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        for second in (3, 0, 2):
            container.seek(int(second / stream.time_base), stream=stream)
            picture = next(container.decode(stream))
            assert frame_number(np.asarray(picture.to_ndarray(format="gray"), dtype=np.uint8)) == second * 25
