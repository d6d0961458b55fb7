"""A real PKCS#11 token in software (SoftHSM2), and a library around it that hangs or dies when told to."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

PIN = "1234"
TOKEN = "pole"
_PLACES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
_UNRULY = Path(__file__).with_name("unruly_token.c")


def missing() -> str:
    """Why these tests cannot run here; "" where they can."""
    if _library() is None or shutil.which("softhsm2-util") is None:
        return "SoftHSM is not installed (Debian: softhsm2)"
    if find_spec("pkcs11") is None:
        return "python-pkcs11 is not installed (extra pkcs11)"
    return "" if shutil.which("gcc") else "gcc is not installed"


def _library() -> str | None:
    return next((place for place in _PLACES if Path(place).exists()), None)


class SoftHsm:
    """An initialised token without keys. module: the library; pin_file: mode 0600. setenv: sets an environment variable."""

    def __init__(self, folder: Path, setenv: Callable[[str, str], None]) -> None:
        tokens = folder / "tokens"
        tokens.mkdir(parents=True)
        configuration = folder / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
        setenv("SOFTHSM2_CONF", str(configuration))
        found = _library()
        assert found is not None
        self.module = found
        self._folder = folder
        self._setenv = setenv
        self._mood = folder / "mood"
        self.pin_file = folder / "pin"
        self.pin_file.touch(0o600)
        self.pin_file.write_text(f"{PIN}\n")
        _tool("--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", "9999")

    def unruly(self) -> str:
        """Another library for the same token: see `be`."""
        made = self._folder / "unruly.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", made, _UNRULY, "-ldl"], check=True)
        self._setenv("UNRULY_REAL", self.module)
        self._setenv("UNRULY_MOOD", str(self._mood))
        self.be("well")
        return str(made)

    def initialise_again(self) -> None:
        """Another token of the same name: the keys are gone."""
        _tool("--delete-token", "--token", TOKEN)
        _tool("--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", "9999")

    def be(self, mood: str) -> None:
        """well, hang or die."""
        self._mood.write_text(mood)


def _tool(*words: str) -> None:
    subprocess.run(["softhsm2-util", *words], check=True, capture_output=True)
