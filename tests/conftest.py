"""For all tests: properties are tried without a clock, since machines are shared and slow."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")
