"""Replays over a node's life with clocks that jump, for a long time."""

from __future__ import annotations

from hypothesis import settings

from tests.support.replays import Life

TestLife = Life.TestCase
TestLife.settings = settings(max_examples=10_000, stateful_step_count=60, deadline=None)
