"""One kernel's notebook: follows its cells, and runs those that are steps."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core import display_functions

from mlstack_nb.errors import MlstackError, StepSyntaxError
from mlstack_nb.notebook import execution
from mlstack_nb.notebook.badge import Badge
from mlstack_nb.notebook.compilation import Body, Shell
from mlstack_nb.notebook.replay import replay
from mlstack_nb.notebook.tagged import is_skipped, is_stored_request, request_metadata

if TYPE_CHECKING:
    from mlstack_nb.app.notebooks.tagged_step import TaggedStep
    from mlstack_nb.app.session import Session
    from mlstack_nb.app.step_cells import StepCell
    from mlstack_nb.core.run import StepRun
    from mlstack_nb.core.step import Left


# `model?` and `?model.fit`: help on a name, which no parser sees as reading it
HELP = re.compile(r"^[ \t]*(?=.*\?)\?{0,2}[ \t]*([A-Za-z_]\w*)[\w.]*\?{0,2}[ \t]*$", re.MULTILINE)


@dataclass(slots=True)
class Executing:
    """A cell that is being executed, as an event told; `outer` is the cell that runs it, as `%%capture` does."""

    info: Any
    number: int
    outer: Executing | None
    is_step: bool = False


class LiveNotebook:
    """The session is made when it is first needed, so that loading the extension stays cheap."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self._session: Session | None = None
        self._executing: Executing | None = None
        self._earlier = list(_executed_before(shell))

    @property
    def session(self) -> Session:
        if self._session is None:
            from mlstack_nb.app.session import Session
            from mlstack_nb.notebook.notebook_name import notebook_name

            namespace = self.shell.user_ns
            self._session = Session(namespace=namespace, name=notebook_name(namespace), on_failure=_keep_for_debugging)
            for label, text, cell_id in self._earlier:
                self._record(self._session, label, text, cell_id)
            self._earlier.clear()
        return self._session

    @property
    def begun(self) -> Session | None:
        """The session, when something has needed it already."""
        return self._session

    @property
    def is_executing(self) -> bool:
        return self._executing is not None

    # Events of IPython

    def before_cell(self, info: Any) -> None:
        """Load the step outputs that an ordinary cell is about to read."""
        number = self.shell.execution_count - (1 if info.store_history else 0)
        self._executing = Executing(info, number, self._executing)
        self._forget(self._deleted())
        if self._session is None or info.raw_cell.lstrip().startswith("%%step"):
            return
        try:
            self._session.bindings.load(HELP.findall(info.raw_cell))
            self._session.prepare(info.raw_cell, label=cell_label(number))
        except StepSyntaxError:
            return  # IPython shows it in its own way in a moment
        except MlstackError as error:
            _complain(error)

    def after_cell(self, result: Any) -> None:
        """Remember an ordinary cell that went well."""
        if result is None:  # IPython itself failed
            self._executing = None
            return
        executing, info = self._executing, result.info
        if executing is None or executing.info is not info:
            executing = Executing(info, self.shell.execution_count - 1, None)
        self._executing = executing.outer
        if not (result.success and info.store_history) or executing.is_step or executing.outer is not None:
            return
        if is_skipped(request_metadata(self.shell)):
            return
        label = cell_label(executing.number)
        if self._session is None:
            self._earlier.append((label, info.raw_cell, info.cell_id))
        else:
            self._record(self._session, label, info.raw_cell, info.cell_id)

    # Steps

    def show(self, view: Any) -> None:
        """Display a badge, table or drawing in the cell that is being executed."""
        display: Any = display_functions.display
        display(view)

    def replay(self, run: StepRun) -> bool:
        """Show what a step from the cache showed when it was executed; returns whether there was anything."""
        from mlstack_nb.core.run import State

        found = self.session.display_of(run) if run.state is State.CACHED else None
        if found is not None:
            replay(found)
        return found is not None

    def run_step(self, line: str, text: str) -> None:
        """Run one `%%step` cell and show its badge. Raises what the body raises, and MlstackError."""
        __tracebackhide__ = True
        body = self._body(line, text)
        with self._with_badge(body.step) as show:
            show(execution.run(self.shell, body, self._drive(line, body)))

    async def run_step_async(self, line: str, text: str) -> None:
        """`run_step` for a body with a top-level `await`."""
        __tracebackhide__ = True
        body = self._body(line, text)
        with self._with_badge(body.step) as show:
            show(await execution.run_async(self.shell, body, self._drive(line, body)))

    def run_tagged(self, tagged: TaggedStep) -> None:
        """Run the step that a cell is by its tags, or is part of, as `run_step` runs a `%%step` cell."""
        __tracebackhide__ = True
        body = self._tagged_body(tagged)
        with self._with_badge(body.step, replays=tagged.is_first) as show:
            run = execution.run(self.shell, body, self._drive(tagged.line, body, tagged))
            self._define(tagged, body)
            show(run)

    async def run_tagged_async(self, tagged: TaggedStep) -> None:
        """`run_tagged` for a step with a top-level `await`."""
        __tracebackhide__ = True
        body = self._tagged_body(tagged)
        with self._with_badge(body.step, replays=tagged.is_first) as show:
            run = await execution.run_async(self.shell, body, self._drive(tagged.line, body, tagged))
            self._define(tagged, body)
            show(run)

    def execute(self, cell: StepCell, namespace: dict[str, Any]) -> Left:
        """Run a known step cell's body once, as a part of a whole run."""
        __tracebackhide__ = True
        header = "" if cell.tagged is not None else f"%%step {cell.line}\n"
        body = Body(cell.step.name, header, cell.body, _cell_number(cell.label))
        return execution.run_once(self.shell, body, namespace)

    def _drive(self, line: str, body: Body, tagged: TaggedStep | None = None) -> execution.Drive[StepRun]:
        cell_id = self._executing.info.cell_id if self._executing is not None else None
        if tagged is not None:
            cell_id = tagged.cell_id
        return self.session.drive_cell(line, body.text, label=cell_label(body.number), cell_id=cell_id, tagged=tagged)

    def _tagged_body(self, tagged: TaggedStep) -> Body:
        executing = self._executing
        if executing is not None:
            executing.is_step = True
        number = executing.number if executing is not None else self.shell.execution_count
        return Body(tagged.asked.name, "", tagged.body, number)

    def _define(self, tagged: TaggedStep, body: Body) -> None:
        """The imports, functions and classes of a tagged step are there for the cells below it, as code."""
        if tagged.definitions:
            self.shell.run_cell(tagged.definitions, store_history=False).raise_error()
            self._record(self.session, cell_label(body.number), tagged.definitions, None)

    def _forget(self, cell_ids: list[str]) -> None:
        if self._session is not None:
            self._session.forget_cells(cell_ids)
        elif cell_ids:
            self._earlier = [earlier for earlier in self._earlier if earlier[2] not in cell_ids]

    def _deleted(self) -> list[str]:
        """Cells that were deleted since the last execution: JupyterLab says so once, with the next request."""
        deleted = request_metadata(self.shell).get("deletedCells", ())
        return [cell for cell in deleted if isinstance(cell, str)]

    def _body(self, line: str, text: str) -> Body:
        from mlstack_nb.source.step_line import parse

        step = parse(line).name
        executing = self._executing
        number = executing.number if executing is not None else self.shell.execution_count
        header = f"%%step {line}\n"
        while executing is not None:
            executing.is_step = True
            whole = executing.info.raw_cell
            whole = whole if whole.endswith("\n") else whole + "\n"
            if whole.endswith(text):
                header = whole[: -len(text)]
            executing = executing.outer
        return Body(step, header, text, number)

    @contextmanager
    def _with_badge(self, step: str, *, replays: bool = True) -> Iterator[Any]:
        """Show the badge of a step that ended well, below its output, or of one that was begun and failed.

        `replays`: what a step from the cache showed is shown, too.
        """
        __tracebackhide__ = True
        before = self.session.states.get(step)
        try:
            items = self.session.items
            yield lambda run: self.show(Badge(run, replayed=replays and self.replay(run), items=items(step)))
        except BaseException:
            after: StepRun | None = self.session.states.get(step)
            if after is not None and after is not before:
                self.show(Badge(after, items=self.session.items(step)))
            raise

    def _record(self, session: Session, label: str, text: str, cell_id: str | None) -> None:
        try:
            session.record(text, label=label, cell_id=cell_id)
        except MlstackError as error:
            _complain(error)


def cell_label(number: int) -> str:
    return f"In[{number}]"


def _cell_number(label: str) -> int:
    found = re.fullmatch(r"In\[(\d+)\]", label)
    return int(found[1]) if found else 0


def _executed_before(shell: Shell) -> Iterator[tuple[str, str, str | None]]:
    """The cells that ran well before the extension was loaded; the one that loads it comes by its own event."""
    history = shell.history_manager
    if history is None:
        return
    failed = getattr(history, "exceptions", {})
    count = shell.execution_count - (1 if is_stored_request(shell) else 0)
    for number, text in enumerate(history.input_hist_raw[:count]):
        if text and number not in failed:
            yield cell_label(number), text, None


def _keep_for_debugging(session: Session, run: StepRun) -> None:
    """So that the step can be debugged from anywhere, and after cells have changed."""
    from mlstack_nb.app.notebooks.live_step import leave_notebook

    with suppress(MlstackError):  # `%pipeline debug` tries again, and tells
        leave_notebook(session, run)


def _complain(error: MlstackError) -> None:
    """Say what went wrong beside a cell that runs all the same."""
    sys.stderr.write("\n".join(error._render_traceback_()) + "\n")
