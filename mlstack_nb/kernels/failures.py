"""How the end of a notebook at one of its cells is told."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlstack_nb.errors import CellCancelledError, CellError, CellTimeoutError, KernelDiedError
from mlstack_nb.kernels import documents
from mlstack_nb.kernels.outcome import FailedCell, line_in_cell, plain_text
from mlstack_nb.source.distributions import installed_by

LONGEST_VALUE = 2000  # characters of an exception's text


def raised(index: int, cell: Mapping[str, Any], exception: Mapping[str, Any]) -> FailedCell:
    """The cell raised: `exception` holds ename, evalue and traceback, as a kernel tells them."""
    traceback = plain_text("\n".join(exception["traceback"]))
    line, ename = line_in_cell(traceback), exception["ename"]
    evalue = plain_text(exception["evalue"])
    what = f"{_cell(index)} raised {ename}: {_shortened(evalue)}" if evalue else f"{_cell(index)} raised {ename}"
    lines = cell["source"].splitlines()
    if line and line <= len(lines):
        what += f"\n  line {line}: {lines[line - 1].strip()}"
    error = CellError(what, _hint(ename, evalue))
    return FailedCell(index, cell.get("id", ""), cell["source"], line, ename, evalue, traceback, error)


def stopped(index: int, cell: Mapping[str, Any], error: CellError) -> FailedCell:
    """The cell was stopped, or its kernel died. An exception among its outputs tells where it was; that is replaced."""
    traceback, outputs = "", cell.get("outputs")
    if outputs and outputs[-1]["output_type"] == "error":
        traceback = plain_text("\n".join(outputs.pop()["traceback"]))
    ename = type(error).__name__
    shown = [*traceback.splitlines(), "", f"{ename}: {error}"]
    if outputs is not None:
        output = {"output_type": "error", "ename": ename, "evalue": error.what, "traceback": shown}
        outputs.append(documents.to_node(output))
    line = line_in_cell(traceback)
    return FailedCell(index, cell.get("id", ""), cell["source"], line, ename, error.what, "\n".join(shown), error)


def over_time(index: int, timeout_s: float) -> CellTimeoutError:
    return CellTimeoutError(
        f"{_cell(index)} ran longer than {timeout_s:g} s.",
        "Allow it more with --timeout SECONDS, or make it faster; its traceback shows where it was.",
    )


def cancelled(index: int) -> CellCancelledError:
    return CellCancelledError(f"The notebook was cancelled at {_cell(index).lower()}.", "Run it again.")


def died(index: int, exit_code: int | None, *, peak_bytes: int, was_out_of_memory: bool, log: str) -> KernelDiedError:
    """The kernel ended during the cell. A negative exit code is the signal that ended it."""
    said = f" It wrote:\n{log}" if log else ""
    if was_out_of_memory or exit_code == -signal.SIGKILL:
        killed = "it was killed (SIGKILL), as the system does when memory runs out"
        how = "the system killed it because memory ran out" if was_out_of_memory else killed
        how += f"; it had used {peak_bytes / 1e9:.1f} GB"
        hint = "Work on less data at once, or give it more memory."
    elif exit_code is not None and exit_code < 0:
        how, hint = f"{_signal_name(-exit_code)} ended it", "Look for the compiled code in the cell that crashes."
    else:
        how = f"it ended by itself with exit code {exit_code}"
        hint = "Take out of the cell what ends the process: exit(), os._exit()."
    return KernelDiedError(f"The kernel died while {_cell(index).lower()} ran: {how}.{said}", hint)


def oom_kills() -> int:
    """How many processes of this control group the system has killed for want of memory; 0 where it does not say."""
    try:
        group = Path("/proc/self/cgroup").read_text().strip().rpartition("::")[2].lstrip("/")
        events = Path("/sys/fs/cgroup", group, "memory.events").read_text().split()
    except OSError:
        return 0
    return int(events[events.index("oom_kill") + 1]) if "oom_kill" in events else 0


def _cell(index: int) -> str:
    return f"Cell {index + 1}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + " ..."


def _hint(ename: str, evalue: str) -> str:
    if ename == "StdinNotImplementedError":
        return "Nobody is there to answer input(): make what it asks for a parameter."
    if ename == "ModuleNotFoundError" and "'" in evalue:
        package = installed_by(evalue.split("'")[1])
        return f"Install it in the kernel's environment: `python -m pip install {package}`."
    if ename == "MemoryError":
        return "Work on less data at once, or give it more memory."
    return "Mend the cell and run the notebook again."
