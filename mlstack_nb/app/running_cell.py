"""The source of a function whose cell began with a magic: `%%time` compiles what is below it, and keeps no text."""

from __future__ import annotations

import linecache
import sys
from typing import Any

from mlstack_nb.core.digest import digest_bytes


def keep_source(function: Any) -> None:
    """Let the text be found later of a function that is being defined in the cell that runs; mostly it can be anyway.

    Its code is then said to be from a file of its own name, as IPython says it of cells.
    """
    code = getattr(function, "__code__", None)
    if code is None or not code.co_filename.startswith("<") or linecache.getlines(code.co_filename):
        return
    text = _running_cell()
    while text.startswith("%%"):
        text = text.partition("\n")[2]
    if code.co_name not in text:
        return
    name = f"<cell {digest_bytes(text.encode())[:16]}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    function.__code__ = code.replace(co_filename=name)


def _running_cell() -> str:
    """The text of the cell that IPython executes now; "" elsewhere."""
    ipython = sys.modules.get("IPython")  # loaded where there is a kernel
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return ""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    told = parent.get("content", {}).get("code")
    return str(told) if told else str(shell.history_manager.input_hist_raw[-1])
