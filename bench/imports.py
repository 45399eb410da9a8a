"""Start-up: importing the package, loading the extension, the command line's help."""

from __future__ import annotations

from collections.abc import Iterator

from bench.measure import Line, script


def lines() -> Iterator[Line]:
    bare = script("report(empty=0)")["process"]
    package = script("began = time.process_time()\nimport mlstack_nb\nreport(it=time.process_time() - began)")
    yield Line("import mlstack_nb", package["it"] * 1e3, "ms", 40, floor=bare * 1e3)
    extension = script(
        """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
report(it=cpu(shell.run_line_magic, "load_ext", "mlstack_nb"))
"""
    )
    yield Line("%load_ext mlstack_nb, on top of IPython", extension["it"] * 1e3, "ms", 120, floor=bare * 1e3)
    command = script("import sys\nsys.argv = ['mlstack', '--help']\nfrom mlstack_nb.cli.main import main\nmain()")
    yield Line("mlstack --help, whole process", command["process"] * 1e3, "ms", 150, floor=bare * 1e3)
