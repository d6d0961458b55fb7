"""Starts the S3 of `s3_server`, and what it admits."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from edge.upload.sigv4 import Signer
from tests.support.line_process import LineProcess

BUCKET, KEY_ID, SECRET, REGION = "footage", "AKIAPOLE7", "a/secret+of=the/town", "eu-central-1"


def s3(_folder: Path | None = None, port: int = 0, ahead_s: float = 0.0) -> LineProcess:
    """Running when it returns; its first line is the port. It keeps objects in memory. ahead_s: its clock against ours."""
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask_cors") is None:
        pytest.skip("moto is not installed (pip install 'moto[s3]' flask flask-cors)")
    return LineProcess([sys.executable, "-m", "tests.support.s3_server", str(port), "--ahead", str(ahead_s)])


def town_signer() -> Signer:
    return Signer(KEY_ID, SECRET, REGION)
