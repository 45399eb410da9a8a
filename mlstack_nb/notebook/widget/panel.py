"""The live panel, a widget: traits hold what is shown, messages ask for something. Imports anywidget."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import anywidget
import traitlets
from IPython.core import display_functions

from mlstack_nb.app.stack_health import health
from mlstack_nb.core.run import State
from mlstack_nb.errors import MlstackError
from mlstack_nb.notebook.widget.browser_part import BUILT
from mlstack_nb.notebook.widget.picture import Picture
from mlstack_nb.notebook.widget.requests import STARTED, Requests
from mlstack_nb.notebook.widget.shown import Record, Shown, problem_of

if TYPE_CHECKING:
    from mlstack_nb.notebook.live import LiveNotebook

LOOK_S = 0.25
SETTLED_S = 1.0
"""A picture is made anew when nothing has changed for so long, and nothing runs."""


class Panel(anywidget.AnyWidget):
    """Follows the workspace and the notebook in a thread of its own until it is closed.

    `in_place`: the panel lives in the picture that it leaves in the notebook, which is found by its class. Elsewhere it
    is shown as any widget, and the picture is what the notebook shows without it.
    """

    _esm = BUILT

    place = traitlets.Unicode().tag(sync=True)
    stacks = traitlets.Dict().tag(sync=True)
    health = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    graph = traitlets.Dict().tag(sync=True)
    states = traitlets.Dict().tag(sync=True)
    run = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    can_run = traitlets.Bool().tag(sync=True)
    problem = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)

    def __init__(self, shown: Shown, notebook: LiveNotebook | None, *, in_place: bool) -> None:
        self._shown, self._notebook, self._in_place = shown, notebook, in_place
        self._requests = Requests(shown.workspace, shown.file)
        self._recorded: Record | None = None
        self._begun: tuple[str, str] | None = None
        self._picture = ""
        self._handle: Any = None
        self._is_over = threading.Event()
        first = shown.look() or {}
        super().__init__(place=f"mlstack-panel-{uuid4().hex}", can_run=shown.file is not None, **first)
        self._recorded = self.run
        self.on_msg(self._on_message)
        threading.Thread(target=self._follow, name="mlstack panel", daemon=True).start()
        atexit.register(self._is_over.set)

    def close(self) -> None:
        """The thread ends, and with it the live view; the picture stays."""
        self._is_over.set()
        atexit.unregister(self._is_over.set)
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        picture = self._as_picture()._repr_mimebundle_()
        widget = None if self._in_place else super()._repr_mimebundle_(**kwargs)
        data, metadata = widget or ({}, {})
        return {**data, **picture}, metadata

    def _ipython_display_(self) -> None:
        display: Any = display_functions.display
        data, metadata = self._repr_mimebundle_()
        self._picture = data["text/html"]
        self._handle = display(data, metadata=metadata, raw=True, display_id=True)

    def _as_picture(self) -> Picture:
        shown = {"stacks": self.stacks, "graph": self.graph, "states": self.states}
        return Picture(shown, place=self.place if self._in_place else "")

    # In the thread

    def _follow(self) -> None:
        quiet_s, is_picture_old = 0.0, True
        while not self._is_over.wait(LOOK_S):
            has_changed = self._look()
            is_picture_old = is_picture_old or has_changed
            quiet_s = 0.0 if has_changed else quiet_s + LOOK_S
            if is_picture_old and quiet_s > SETTLED_S and not self._is_running:
                self._leave_picture()
                is_picture_old = False
        self._shown.workspace.close()

    @property
    def _is_running(self) -> bool:
        return any(state["state"] == State.RUNNING.value for state in self.states.values())

    def _look(self) -> bool:
        """Whether something had changed."""
        if self._notebook is not None:
            self._shown.session = self._notebook.begun
        found: Record | None = None
        problem: Record | None = None
        try:
            found = self._shown.look()
        except MlstackError as error:
            problem = problem_of(error)
        except Exception as error:  # noqa: BLE001 - shown in the panel; the next look may find all well again
            problem = _unexpected(error)
        self._show("problem", problem)
        if found is not None:
            self._recorded = found["run"]
            for name in ("stacks", "graph", "states"):
                self._show(name, found[name])
        begun = self._unrecorded()
        self._show("run", begun if begun is not None else self._recorded)
        if (self.health or {}).get("stack") != self.stacks["active"]:
            self._look_at_health()
        return found is not None

    def _show(self, name: str, value: Any) -> None:
        if getattr(self, name) != value and not self._is_over.is_set():
            setattr(self, name, value)

    def _unrecorded(self) -> Record | None:
        """The run that was begun here, until it, or a later one, is in the catalog."""
        if self._begun is None:
            return None
        run_id, before = self._begun
        found = STARTED.unrecorded(self._shown.workspace, run_id)
        if found is None or _id(self._recorded) != before:
            self._begun = None
            return None
        none_yet: Record = {"ended": 0, "total": len(self.states), "duration_s": None, "counts": {}}
        return {key: found[key] for key in ("id", "state", "stack", "mode", "started_at", "failure")} | none_yet

    def _look_at_health(self) -> None:
        active = self.stacks["active"]
        self._show("health", {"stack": active, "components": []})
        threading.Thread(target=self._tell_health, args=(active,), daemon=True).start()

    def _tell_health(self, stack: str) -> None:
        try:
            found = health(self._shown.workspace)
        except MlstackError:
            return  # that the stack can not be read is shown in its place
        if found["stack"] == stack:
            self._show("health", found)

    def _leave_picture(self) -> None:
        """What the notebook keeps follows what the panel shows."""
        if not self._in_place or self._handle is None:
            return
        picture = self._as_picture()
        html = picture.html()
        if html != self._picture:
            self._picture = html
            self._handle.update(picture._repr_mimebundle_(), raw=True)

    # Messages

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """In a thread, since a run may take its time to stop; the answer bears the number of the request."""
        threading.Thread(target=self._answer, args=(content,), daemon=True).start()

    def _answer(self, content: Mapping[str, Any]) -> None:
        answer: Record = {"id": content.get("id")}
        try:
            run_id = self._requests.serve(content)
            if content.get("do") == "run":
                self._begun = run_id, _id(self._recorded)
        except MlstackError as error:
            answer["problem"] = problem_of(error)
        except Exception as error:  # noqa: BLE001 - shown where it was asked for, not in a log that nobody sees
            answer["problem"] = _unexpected(error)
        if not self._is_over.is_set():
            self.send(answer)


def _id(run: Record | None) -> str:
    return str(run["id"]) if run else ""


def _unexpected(error: Exception) -> Record:
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    return {"what": what, "hint": "Tell it to the authors of mlstack_nb, with what you did."}
