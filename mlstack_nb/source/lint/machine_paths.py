"""MLS103: paths that only one machine has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from mlstack_nb.source.lint.data_files import GIVES_PATH, READERS, WRITERS, read_by
from mlstack_nb.source.lint.findings import Finding
from mlstack_nb.source.lint.passages import Part
from mlstack_nb.source.lint.usage import Called, Text, Usage

_MACHINE = re.compile(
    r"""/(?:home|Users|root|Volumes|mnt|media|export/home)/[^/\s:*?"<>|]
    | ~\w*[/\\][^\s]
    | [A-Za-z]:[\\/][^\s/:*?"<>|]
    | \\\\[\w.$-]+\\[\w$]
    | /content/(?:drive|gdrive)/
    | /kaggle/(?:input|working)(?:/|$)
    | /dbfs/""",
    re.VERBOSE,
)
_EVERYWHERE = re.compile(r"/(?:dev|proc|sys|etc|usr|bin|tmp|var/tmp|opt/conda)(?:/|$)|/+$")
_COMMAND = re.compile(r"(?:^|[\s='\"])((?:/(?:home|Users|content/drive)/|~/)[^\s'\"]+)")
_ANYWHERE = frozenset({"system", "getoutput", "run_line_magic", "run_cell_magic"})
_HOME = frozenset({"pathlib.Path.home"})
_LONGEST = 300


def machine_paths(usage: Usage) -> Iterator[Finding]:
    """One finding for each text; a place of the home folder by `Path.home()` is one, too."""
    for text in usage.texts:
        path = _path_in(text)
        if path and not _is_meant(usage.parents.get(text.spot.node), text.spot.node):
            shown = path if len(path) <= 60 else f"{path[:57]}..."
            finding = text.spot.finding("MLS103", f"The path {shown!r} is one of this machine.", _hint(text))
            yield replace(finding, about=_read_literal(text, usage))
    for call in usage.calls:
        if call.path in _HOME:
            yield call.spot.finding("MLS103", "`Path.home()` is a folder of this machine.")


def _is_meant(parent: ast.AST | None, node: ast.AST) -> bool:
    """Whether it is only compared, the end of a longer path, or of a parameter that counts with its file."""
    if isinstance(parent, ast.BinOp):
        return parent.right is node
    if isinstance(parent, ast.AnnAssign):
        return any(
            "DataFile" in (getattr(one, "id", ""), getattr(one, "attr", "")) for one in ast.walk(parent.annotation)
        )
    return isinstance(parent, ast.Compare)


def _path_in(text: Text) -> str:
    value, call = text.value, text.given_to
    if call is not None and call.method in _ANYWHERE:
        found = _COMMAND.search(value)
        return found[1] if found else ""
    if "\n" in value or len(value) > _LONGEST or (call is not None and call.method in ("startswith", "endswith")):
        return ""
    if _MACHINE.match(value):
        return value
    is_absolute = value.startswith("/") and not value.startswith("//") and not _EVERYWHERE.match(value)
    return value if is_absolute and call is not None and _takes_path(call) else ""


def _takes_path(call: Called) -> bool:
    return call.path in READERS or call.path in GIVES_PATH or call.path in WRITERS or call.method in WRITERS


def _read_literal(text: Text, usage: Usage) -> ast.expr | None:
    """The text, when it is all of the path of a file that the step reads."""
    if text.given_to is None or text.spot.passage.part is not Part.BODY or text.spot.is_embedded:
        return None
    made = text.given_to.node
    outer = usage.parents.get(made)
    calls = (one for one in usage.calls if one is text.given_to or one.node is outer or one.receiver is made)
    origins = (read_by(call, usage) for call in calls)
    return next((one.node for one in origins if one is not None and one.node is text.spot.node), None)


def _hint(text: Text) -> str:
    """The same folder for people: where notebooks run from."""
    if text.value.startswith("/kaggle/input"):
        return "Copy the data below the notebook's folder, and read it by a relative path that is a parameter."
    return ""
