"""Notebook files over HTTP: their graph, what lint finds in them, what they are exported to."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from mlstack_nb.app.export.naming import identifier
from mlstack_nb.app.export.notebook_export import export_module
from mlstack_nb.app.export.workflow import export_workflow
from mlstack_nb.app.lint.linting import lint as findings_in
from mlstack_nb.app.new_files import write_new
from mlstack_nb.app.notebook_graph import graph_of
from mlstack_nb.app.notebooks.executed import write
from mlstack_nb.errors import ConflictError, UsageError
from mlstack_nb.server.route import Call, Wanted


class ExportWanted(Wanted):
    to: Literal["module", "github"]


def pipeline(call: Call) -> dict[str, Any]:
    with call.site.reading:
        return {"path": call.words["path"], **graph_of(call.workspace, _path(call))}


def lint(call: Call) -> list[dict[str, Any]]:
    with call.site.reading:
        (found,) = findings_in([str(_path(call))])
    return [{**one.to_json(), "cell_index": one.place.index, "fix": one.hint} for one in found.findings]


def export(call: Call, wanted: ExportWanted) -> dict[str, Any]:
    """Never over a file that is there."""
    path = _path(call)
    made = _as_module(call, path) if wanted.to == "module" else _as_workflow(call, path)
    return {"path": call.site.address_of(made)}


def _as_module(call: Call, path: Path) -> Path:
    target = path.with_name(f"{identifier(path.stem)}_pipeline.py")
    with call.site.reading:
        module = export_module(str(path), workspace=call.workspace, target=target)
    return write_new(module.text.encode(), target)


def _as_workflow(call: Call, path: Path) -> Path:
    with call.site.reading:
        made = export_workflow(str(path))
    if not made.path.is_relative_to(call.site.root):
        raise UsageError(
            f"The workflow belongs to {made.path}, which is outside the folder that this server shows.",
            f"Write it in a terminal: mlstack export {path} --ci github",
        )
    made.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write(made.text.encode(), made.path)
    except ConflictError as error:
        raise ConflictError(error.what, "Move it aside first, or edit it.") from error
    return made.path


def _path(call: Call) -> Path:
    return call.site.path_of(call.words["path"])
