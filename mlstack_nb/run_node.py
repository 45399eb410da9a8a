"""`python -m mlstack_nb.run_node RUN STEP`: one step of a run, wherever an engine starts it.

The variable `MLSTACK_STORE` says where the run's store is. The exit code is 0, also for a step that was found in the
cache or is not to run; 1 when its code failed; 2 when it could not begin.
"""

from __future__ import annotations

import signal
import sys

from mlstack_nb.app.outward import told
from mlstack_nb.app.remote.node import run_node
from mlstack_nb.core.run import State


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    signal.signal(signal.SIGTERM, _stop)
    out = sys.stdout

    def show(_step: str, text: str) -> None:
        out.write(text)
        out.flush()

    try:
        state, error = run_node(*arguments, show=show)
    except Exception as failure:  # noqa: BLE001 - the last place that can say it
        sys.stderr.write(f"{told(failure)}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("The step was told to stop.\n")
        return 130
    if error is not None:
        sys.stderr.write(f"{told(error)}\n")
    return 1 if state is State.FAILED else 0


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
