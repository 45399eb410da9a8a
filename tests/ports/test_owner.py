from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

from mlstack_nb.ports.owner import Owner

SAY = "from mlstack_nb.ports.owner import Owner; o = Owner.of_this_process(); print(o.pid, o.ticks, flush=True)\n"


def started(code: str) -> tuple[subprocess.Popen[str], Owner]:
    process = subprocess.Popen(
        [sys.executable, "-c", SAY + code], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    pid, ticks = map(int, process.stdout.readline().split())
    return process, Owner(Owner.of_this_process().host, pid, ticks)


def test_a_living_process_is_not_gone() -> None:
    process, owner = started("input()")
    assert not owner.is_gone
    assert not Owner.of_this_process().is_gone
    process.communicate("\n")


def test_a_killed_process_is_gone() -> None:
    process, owner = started("input()")
    process.kill()
    process.communicate()
    assert owner.is_gone


def test_an_ended_process_that_nobody_waited_for_is_gone() -> None:
    process, owner = started("input()")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.stdout.read()  # its end, which comes when the process ends
    deadline = time.monotonic() + 20
    while not owner.is_gone and time.monotonic() < deadline:
        time.sleep(0.01)
    assert owner.is_gone
    process.stdin = None
    process.communicate()


def test_a_later_process_of_the_same_id_is_not_the_owner() -> None:
    owner = Owner.of_this_process()
    assert replace(owner, ticks=owner.ticks + 1).is_gone


def test_nothing_is_known_of_other_hosts() -> None:
    assert not Owner("somewhere-else", 1, 1).is_gone
