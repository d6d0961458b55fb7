"""Coverage-guided fuzzing (atheris, libFuzzer): `python -m tests.fuzz.run [TARGET ...] [--seconds N] [--folder F]`; `make fuzz SECONDS=60`.

Each target runs for `seconds` in a process of its own. New inputs are kept in the folder, apart from the small corpus of the repository;
what crashes is written there as crash-*, and the exit code is 1. Put such a file, as small as it gets (`-minimize_crash=1`), into
tests/fuzz/corpus/TARGET: from then on each test run replays it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
LARGEST_INPUT_BYTES = {"segment": 1 << 16, "mp4": 1 << 15, "matroska": 1 << 15, "annexb": 1 << 14, "verify": 1 << 15}
ONE_INPUT_S = 10
MEMORY_MB = 1024


def fuzz(target: str, words: list[str]) -> None:
    """In this process, never returns: libFuzzer ends it."""
    import atheris  # only there with the extra `fuzz`

    with atheris.instrument_imports(include=["edge"]):
        from tests.fuzz.targets import TARGETS

    atheris.Setup([sys.argv[0], *words], TARGETS[target])
    atheris.Fuzz()


def run(target: str, folder: Path, seconds: int) -> int:
    found = folder / target
    found.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", f"-timeout={ONE_INPUT_S}", f"-rss_limit_mb={MEMORY_MB}"]
    places = [f"-max_len={LARGEST_INPUT_BYTES.get(target, 1 << 13)}", f"-artifact_prefix={folder}/{target}-", str(found)]
    seeds = CORPUS / target
    words = [sys.executable, "-m", "tests.fuzz.run", "--one", target, *limits, "-print_final_stats=1", *places, str(seeds)]
    return subprocess.run(words, check=False).returncode


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        fuzz(sys.argv[2], sys.argv[3:])
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("targets", nargs="*", default=[], choices=[*TARGETS, []], help="all when not given")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--folder", type=Path, help="where new inputs and crashes go; else a fresh one under /tmp")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="edge-fuzz-"))
    print(f"inputs and crashes go to {folder}")
    failed = [target for target in asked.targets or TARGETS if run(target, folder, asked.seconds) != 0]
    print(f"crashed: {', '.join(failed)}" if failed else "nothing crashed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
