"""When UTC is believed."""

from __future__ import annotations

import time

import pytest

from edge.clock import NS_PER_MS, NS_PER_S
from edge.host.timesync import KernelClock, KernelTime, kernel_time


class ScriptedKernel:
    """A kernel whose word is set by the test."""

    def __init__(self) -> None:
        self.boot_ns = 100 * NS_PER_S
        self.offset_ns = 1_795_000_000 * NS_PER_S
        self.synchronised = False
        self.max_error_us = 16_000_000
        self.refused = ""

    def __call__(self) -> KernelTime:
        return KernelTime(self.boot_ns, self.boot_ns + self.offset_ns, self.synchronised, self.max_error_us, self.refused)

    def synchronise(self, max_error_us: int = 5_000) -> None:
        self.synchronised, self.max_error_us = True, max_error_us

    def lose(self) -> None:
        self.synchronised, self.max_error_us = False, 16_000_000


@pytest.fixture
def kernel() -> ScriptedKernel:
    return ScriptedKernel()


@pytest.fixture
def clock(kernel: ScriptedKernel) -> KernelClock:
    return KernelClock("kernel", 1000.0, look=kernel)


def test_a_clock_that_was_never_synchronised_is_untrusted(clock: KernelClock) -> None:
    reading = clock.read()
    assert (reading.state, reading.error_ms, reading.dated) == ("untrusted", None, False)


def test_a_synchronised_clock_is_trusted_with_the_kernels_bound(clock: KernelClock, kernel: ScriptedKernel) -> None:
    kernel.synchronise(max_error_us=5_000)
    reading = clock.read()
    assert (reading.state, reading.error_ms, reading.source) == ("trusted", 5.0, "kernel")
    assert reading.offset_ns == kernel.offset_ns


def test_a_synchronised_clock_with_too_wide_a_bound_is_not_trusted(clock: KernelClock, kernel: ScriptedKernel) -> None:
    kernel.synchronise(max_error_us=1_500_000)
    assert clock.read().state == "untrusted"


def test_holdover_after_the_source_is_lost_has_a_bound_that_grows_by_500_ppm(clock: KernelClock, kernel: ScriptedKernel) -> None:
    kernel.synchronise(max_error_us=5_000)
    clock.read()
    kernel.lose()
    kernel.boot_ns += 3600 * NS_PER_S
    reading = clock.read()
    assert reading.state == "holdover"
    assert reading.dated
    assert reading.error_ms == pytest.approx(5.0 + 1800.0)


def test_a_step_in_holdover_is_not_believed_until_the_next_synchronisation(clock: KernelClock, kernel: ScriptedKernel) -> None:
    kernel.synchronise()
    clock.read()
    kernel.lose()
    kernel.offset_ns += 365 * 86_400 * NS_PER_S
    assert clock.read().state == "untrusted"
    kernel.offset_ns -= 365 * 86_400 * NS_PER_S
    assert clock.read().state == "untrusted", "who moved it once may have moved it twice"
    kernel.synchronise()
    assert clock.read().state == "trusted"


def test_a_task_switch_between_the_two_clocks_is_no_step(clock: KernelClock, kernel: ScriptedKernel) -> None:
    kernel.synchronise()
    clock.read()
    kernel.lose()
    kernel.offset_ns += 30 * NS_PER_MS
    assert clock.read().state == "holdover"


def test_a_kernel_that_refuses_says_so_in_the_source(clock: KernelClock, kernel: ScriptedKernel) -> None:
    kernel.refused = "adjtimex: Operation not permitted"
    reading = clock.read()
    assert (reading.state, reading.source) == ("untrusted", "adjtimex: Operation not permitted")


def test_an_assumed_clock_is_trusted_without_a_bound() -> None:
    reading = KernelClock("assume").read()
    assert (reading.state, reading.error_ms, reading.source) == ("trusted", None, "assumed")


def test_the_real_kernel_answers_with_both_clocks_of_one_instant() -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    now = kernel_time()
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert before <= now.boot_ns <= after
    assert not now.refused
    assert abs(now.utc_ns - time.clock_gettime_ns(time.CLOCK_REALTIME)) < NS_PER_S
    assert now.max_error_us >= 0


def test_boot_time_never_goes_back() -> None:
    clock = KernelClock("kernel")
    readings = [clock.boot_ns() for _ in range(1000)]
    assert readings == sorted(readings)
