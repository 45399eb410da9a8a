"""`%load_ext mlstack_nb`: the magics `%%step`, `%pipeline` and `%stack`, the cell events and the completion.

Loading is cheap: what runs a step is imported with the first step.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand

from mlstack_nb.errors import UsageError
from mlstack_nb.notebook import cause, pipeline_command, run_view, stack_command
from mlstack_nb.notebook.compilation import awaits
from mlstack_nb.notebook.completion import completer
from mlstack_nb.notebook.line_words import help_of
from mlstack_nb.notebook.live import LiveNotebook
from mlstack_nb.notebook.tagged import TaggedCells
from mlstack_nb.source.step_line import help_text

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_REGISTERED = "get_ipython().magics_manager.registry['MlstackMagics']"
MAGICS = {"cell": ("step",), "line": ("pipeline", "stack")}


@magics_class
class MlstackMagics(Magics):
    """Parses lines, calls the app, displays."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.notebook = LiveNotebook(shell)
        self.completer = completer(self.notebook)
        self.transform = awaiting(self.notebook)
        self.tagged_cells = TaggedCells(shell, f"{_REGISTERED}.tagged", is_executing=lambda: self.notebook.is_executing)

    @no_var_expand
    @cell_magic
    def step(self, line: str, cell: str) -> None:
        __tracebackhide__ = True
        if awaits(self.notebook.shell, cell):
            # IPython awaits only what stands at the top of a cell; `awaiting` has rewritten that case
            raise UsageError(
                "A step with a top-level `await` was started inside another magic, which can not wait for it.",
                "Make %%step the first line of its cell.",
            )
        self.notebook.run_step(line, cell)

    async def step_async(self, line: str, cell: str) -> None:
        """What a `%%step` cell with a top-level `await` becomes."""
        __tracebackhide__ = True
        await self.notebook.run_step_async(line, cell)

    def tagged(self) -> None:
        """What a cell becomes that is a step by its tags."""
        __tracebackhide__ = True
        self.notebook.run_tagged(self.tagged_cells.take())

    async def tagged_async(self) -> None:
        """What such a cell with a top-level `await` becomes."""
        __tracebackhide__ = True
        await self.notebook.run_tagged_async(self.tagged_cells.take())

    @no_var_expand
    @line_magic
    def pipeline(self, line: str) -> Any:
        __tracebackhide__ = True
        return pipeline_command.run(self.notebook, line)

    @no_var_expand
    @line_magic
    def stack(self, line: str) -> Any:
        __tracebackhide__ = True
        return stack_command.run(line)


MlstackMagics.step.__doc__ = help_text()
MlstackMagics.pipeline.__doc__ = help_of("pipeline", pipeline_command.SUMMARY, pipeline_command.COMMANDS)
MlstackMagics.stack.__doc__ = help_of("stack", stack_command.SUMMARY, stack_command.COMMANDS)


def awaiting(notebook: LiveNotebook) -> Callable[[list[str]], list[str]]:
    """An input transformer: a step that awaits is awaited by IPython, since a magic can not wait inside its loop."""

    def transform(lines: list[str]) -> list[str]:
        text = "".join(lines)
        if notebook.is_executing or "run_cell_magic('step'" not in text:
            return lines
        match ast.parse(text).body:
            case [
                ast.Expr(
                    ast.Call(
                        func=ast.Attribute(attr="run_cell_magic"),
                        args=[ast.Constant("step"), ast.Constant(str(line)), ast.Constant(str(body))],
                    )
                )
            ] if awaits(notebook.shell, body):
                return [f"await {_REGISTERED}.step_async({line!r}, {body!r})\n"]
        return lines

    return transform


def load(shell: InteractiveShell) -> None:
    """Add the magics. A magic of the same name by another extension is replaced, with a warning."""
    if MlstackMagics.__name__ in shell.magics_manager.registry:
        return
    for kind, names in MAGICS.items():
        for name in names:
            other = shell.magics_manager.magics[kind].get(name)
            if other is not None:
                owner = getattr(other, "__module__", type(other).__module__)
                prefix = "%%" if kind == "cell" else "%"
                warnings.warn(
                    f"{prefix}{name} of {owner} is replaced by that of mlstack_nb. To get it back: "
                    "%unload_ext mlstack_nb, then load the other extension again.",
                    stacklevel=3,
                )
    magics = MlstackMagics(shell)
    shell.register_magics(magics)
    shell.events.register("pre_run_cell", magics.notebook.before_cell)
    shell.events.register("post_run_cell", magics.notebook.after_cell)
    shell.input_transformers_post += [magics.transform, magics.tagged_cells.transform]
    shell.Completer.custom_matchers.append(magics.completer)
    run_view.register(shell)
    cause.register(shell)


def unload(shell: InteractiveShell) -> None:
    """Remove everything `load` added. Names that steps bound in the kernel stay."""
    magics = shell.magics_manager.registry.pop(MlstackMagics.__name__, None)
    if not isinstance(magics, MlstackMagics):
        return
    shell.events.unregister("pre_run_cell", magics.notebook.before_cell)
    shell.events.unregister("post_run_cell", magics.notebook.after_cell)
    for transform in (magics.transform, magics.tagged_cells.transform):
        shell.input_transformers_post.remove(transform)
    shell.Completer.custom_matchers.remove(magics.completer)
    run_view.unregister(shell)
    cause.unregister(shell)
    for kind, names in MAGICS.items():
        for name in names:
            found = shell.magics_manager.magics[kind].get(name)
            if getattr(found, "__self__", None) is magics:
                del shell.magics_manager.magics[kind][name]
