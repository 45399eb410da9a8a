"""Schedulers as processes of their own, whose firings start a small script instead of `mlstack run`.

python scheduling.py run              schedule until SIGTERM
python scheduling.py crash FOLDER     kill a scheduler at its k-th change, for every k, and start another one
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine

from mlstack_nb.app.scheduling import scheduler as module
from mlstack_nb.app.scheduling import schedules
from mlstack_nb.app.scheduling.scheduler import Scheduler
from mlstack_nb.app.scheduling.wanted import Wanted
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.schedule import CatchUp

NOTES_ITS_RUN = """
import os, sys, time
file = os.open("ran", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
os.write(file, f"{sys.argv[1]}\\n".encode())
while os.path.exists("hold"):
    time.sleep(0.02)
sys.exit(int(open("code").read()) if os.path.exists("code") else 0)
"""


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def command_for(schedule, firing):
    """Notes the moment in the file `ran`, goes on as long as `hold` is there, and exits with what is in `code`."""
    return [sys.executable, "-I", "-S", "-c", NOTES_ITS_RUN, repr(firing.moment)]


class Prints:
    def firing(self, firing):
        say(f"{firing.state} {firing.run_id}")

    def leads(self):
        say("leads")

    def waits(self, leader):
        say("waits")

    def trouble(self, what):
        say(what)


def run():
    came = []
    signal.signal(signal.SIGTERM, lambda *_: came.append(1))
    module.POLL_S = 0.02
    Scheduler(Workspace.find(), Prints(), command_for=command_for).run(lambda: bool(came), wait=True)


def die_at(change):
    """SIGKILL this process at its `change`-th change: around each write to the catalog, and each start of a process."""
    counted = 0

    def count(*_):
        nonlocal counted
        counted += 1
        if counted == change:
            os.kill(os.getpid(), signal.SIGKILL)

    def count_writes(connection):
        if connection.get_execution_options().get("mlstack_writes"):
            count()

    event.listen(Engine, "begin", count_writes)
    event.listen(Engine, "commit", count_writes)
    popen = subprocess.Popen

    def counting(*args, **kwargs):
        count()
        started = popen(*args, **kwargs)
        count()
        return started

    subprocess.Popen = counting


def in_child(work):
    """Run `work` in a forked process; returns its exit code, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (a forked child must not go on with the loop)
            sys.stderr.write(f"child: {error!r}\n")
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Silent(Prints):
    def firing(self, firing):
        pass


def once(ahead_s):
    Scheduler(Workspace.find(), Silent(), command_for=command_for, clock=lambda: time.time() + ahead_s).run_once()


def crash(folder):
    module.POLL_S = 0.01
    for change in range(1, 100):
        place = folder / str(change)
        (place / ".mlstack").mkdir(parents=True)
        (place / "nothing.py").touch()
        os.chdir(place)
        in_child(
            lambda: schedules.add(
                Workspace.find(), Wanted("nothing.py", every="1h", catch_up=CatchUp.ALL, name="hourly")
            )
        )

        def killed(change=change):
            die_at(change)
            once(2.5 * 3600)

        code = in_child(killed)
        again = in_child(lambda: once(2.5 * 3600))
        deadline = time.monotonic() + 20
        open_states = {"pending", "running"}
        while True:
            firings = schedules.runs(Workspace.find(), "hourly")
            if not open_states & {firing["state"] for firing in firings} or time.monotonic() > deadline:
                break
            time.sleep(0.01)
        ran = Path("ran").read_text().splitlines()
        say(json.dumps({"change": change, "codes": [code, again], "ran": ran, "firings": firings}))
        if code == 0:
            return


if __name__ == "__main__":
    run() if sys.argv[1] == "run" else crash(Path(sys.argv[2]))
