"""Time limits, in the main thread and in others."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlstack_nb.engine.deadline import deadline
from mlstack_nb.errors import StepTimeoutError


def here(call: Callable[[], object]) -> object:
    return call()


def elsewhere(call: Callable[[], object]) -> object:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


anywhere = pytest.mark.parametrize("run", [here, elsewhere])


@anywhere
def test_code_that_takes_too_long_is_ended(run: Callable[..., object]) -> None:
    def endless() -> None:
        with deadline(0.05, step="slow"):
            while True:
                time.sleep(0.005)

    with pytest.raises(StepTimeoutError, match=r"'slow' ran longer than its timeout of 0.05 s"):
        run(endless)


@anywhere
def test_code_that_is_in_time_hears_nothing_of_it(run: Callable[..., object]) -> None:
    def quick() -> float:
        with deadline(0.05, step="quick"):
            pass
        time.sleep(0.1)
        return sum(range(1000))

    assert run(quick) == 499500


@anywhere
def test_code_that_catches_everything_is_too_late_all_the_same(run: Callable[..., object]) -> None:
    def stubborn() -> None:
        with deadline(0.05, step="stubborn"):
            try:
                while True:
                    time.sleep(0.005)
            except BaseException:  # noqa: BLE001
                pass

    with pytest.raises(StepTimeoutError):
        run(stubborn)


@anywhere
def test_the_codes_own_error_comes_out(run: Callable[..., object]) -> None:
    def wrong() -> None:
        with deadline(5, step="wrong"):
            raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        run(wrong)


def test_many_that_end_at_their_limit_leave_nothing_behind() -> None:
    """Ends and limits fall together; nothing may be raised after the block."""

    def once() -> bool:
        try:
            with deadline(0.002, step="tight"):
                time.sleep(0.002)
        except StepTimeoutError:
            return False
        return True

    def many() -> list[bool]:
        return [once() for _ in range(200)]

    with ThreadPoolExecutor(4) as pool:
        results = [pool.submit(many) for _ in range(4)]
        assert sum(len(one.result()) for one in results) == 800
