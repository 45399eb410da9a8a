"""Cells that are steps by their tags: JupyterLab's extension sends the notebook's cells with the request to run one.

They come in the request's metadata, beside the id and the tags that JupyterLab itself sends. Without them a tagged cell
runs as an ordinary one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlstack_nb.errors import MlstackError
from mlstack_nb.notebook.compilation import Shell, awaits
from mlstack_nb.source.notebook_file import Notebook, NotebookCell

if TYPE_CHECKING:
    from mlstack_nb.app.notebooks.tagged_step import TaggedStep

SENT = "mlstack"
SKIP = "skip"


def request_metadata(shell: Shell) -> Mapping[str, Any]:
    """What the front end said of the request that is being served; empty outside a kernel."""
    return _of_request(shell, "metadata")


def is_stored_request(shell: Shell) -> bool:
    """Whether what is being executed is a cell that counts: not what a front end runs silently."""
    content = _of_request(shell, "content")
    return bool(content.get("store_history", True)) and not content.get("silent", False)


def is_skipped(metadata: Mapping[str, Any]) -> bool:
    """Whether the cell is tagged as not being there for the pipeline."""
    tags = metadata.get("tags")
    return isinstance(tags, list) and SKIP in tags


class TaggedCells:
    """Makes a call of `run_call` of the text of a tagged cell, before IPython compiles it."""

    def __init__(self, shell: Shell, run_call: str, *, is_executing: Callable[[], bool]) -> None:
        self._shell = shell
        self._is_executing = is_executing
        self._run_call = run_call
        self._is_reading = False
        self._found: TaggedStep | MlstackError | None = None

    def transform(self, lines: list[str]) -> list[str]:
        """An input transformer; what is wrong with the step is told when it is run, as of any step."""
        if self._is_executing() or self._is_reading:
            return lines
        metadata = request_metadata(self._shell)
        sent, cell_id = metadata.get(SENT), metadata.get("cellId")
        if not isinstance(sent, Mapping) or not isinstance(cell_id, str):
            return lines
        self._is_reading = True
        try:
            self._found = self._read(sent, cell_id)
            waits = self._found is not None and self._is_awaiting()
        finally:
            self._is_reading = False
        if self._found is None:
            return lines
        return [f"await {self._run_call}_async()\n" if waits else f"{self._run_call}()\n"]

    def take(self) -> TaggedStep:
        """The step of the cell that is being executed. Raises what is wrong with it."""
        found, self._found = self._found, None
        if isinstance(found, MlstackError):
            raise found
        assert found is not None
        return found

    def _read(self, sent: Mapping[str, Any], cell_id: str) -> TaggedStep | MlstackError | None:
        from mlstack_nb.app.notebooks.tagged_step import tagged_step

        metadata = sent.get("metadata")
        notebook = Notebook("notebook", tuple(_cells(sent)), metadata=metadata if isinstance(metadata, Mapping) else {})
        try:
            return tagged_step(notebook, cell_id)
        except MlstackError as error:
            return error

    def _is_awaiting(self) -> bool:
        found = self._found
        return found is not None and not isinstance(found, MlstackError) and awaits(self._shell, found.body)


def _of_request(shell: Shell, part: str) -> Mapping[str, Any]:
    get_parent = getattr(shell, "get_parent", None)
    found = get_parent().get(part) if get_parent is not None else None
    return found if isinstance(found, Mapping) else {}


def _cells(sent: Mapping[str, Any]) -> Iterator[NotebookCell]:
    cells = sent.get("cells")
    for cell in cells if isinstance(cells, list) else ():
        match cell:
            case {"id": str(identity), "index": int(index), "source": str(source), "tags": list(tags)}:
                yield NotebookCell(index, source, tags=tuple(tag for tag in tags if isinstance(tag, str)), id=identity)
