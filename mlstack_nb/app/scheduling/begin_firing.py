"""What is started for a firing: a process that becomes the run, if the catalog says that it is the one.

    python -P -m mlstack_nb.app.scheduling.begin_firing WORKSPACE RUN_ID COMMAND...

However many of these are started for one firing, and whoever dies on the way, one of them at most gets through: the
catalog has its id before the command begins, and the command keeps the id.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from mlstack_nb.app.workspace import Workspace
from mlstack_nb.catalog import firings
from mlstack_nb.errors import MlstackError
from mlstack_nb.ports.owner import Owner

WAIT = 75
"""Exit code (sysexits.h: EX_TEMPFAIL) where an earlier firing goes on: it is to be tried again."""


def main() -> int:
    root, run_id, *command = sys.argv[1:]
    workspace = Workspace(Path(root))
    try:
        with workspace.catalog.write() as connection:
            answer = firings.begin(connection, run_id, Owner.of_this_process(), at=time.time())
        workspace.close()
    except MlstackError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    if answer is not firings.Permission.BEGUN:
        return WAIT if answer is firings.Permission.WAIT else 0
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, which the command would inherit
    try:
        os.execvp(command[0], command)  # noqa: S606 - without a shell
    except OSError as error:
        sys.stderr.write(f"Error: {command[0]} can not be started: {error.strerror}\n")
        return 127


if __name__ == "__main__":
    sys.exit(main())
