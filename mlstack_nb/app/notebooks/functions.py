"""`@step` and `@pipeline` functions in the cells of a notebook file: wired by running the pipeline's own function, with
stand-ins for its steps. No code of a step and nothing that a step imports is executed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mlstack_nb.app.hooks import HOOKS
from mlstack_nb.app.notebooks.analysis import Analysis
from mlstack_nb.app.notebooks.assembly import DATA_FILE
from mlstack_nb.app.pipeline_options import PIPELINE_OPTIONS, RunPlanning
from mlstack_nb.app.pipeline_wiring import PipelineWiring
from mlstack_nb.app.placeholders import OutputOf
from mlstack_nb.app.step_options import OPTIONS, check_known, settings_of
from mlstack_nb.app.step_wiring import Wiring
from mlstack_nb.app.steps import StepFunction
from mlstack_nb.core.artifact import ArtifactConfig
from mlstack_nb.core.model import ModelSpec
from mlstack_nb.core.policy import CachePolicy, StepRetryConfig
from mlstack_nb.core.step import Fingerprint, Output, Settings
from mlstack_nb.errors import GraphError, UsageError
from mlstack_nb.source.cell import declared
from mlstack_nb.source.code import Code
from mlstack_nb.source.definition import Definition
from mlstack_nb.source.effects import Kind
from mlstack_nb.source.fingerprint import combined
from mlstack_nb.source.function_fingerprint import own_decorator, slice_of_function
from mlstack_nb.source.functions import FunctionShape, signature_of
from mlstack_nb.source.modules import Origin, locate
from mlstack_nb.source.reach import reach
from mlstack_nb.source.scope import Scope

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_OPTION_TYPES = {"CachePolicy": CachePolicy, "StepRetryConfig": StepRetryConfig, "Model": ModelSpec}
"""What a decorator's option may be made of, by the names that people import."""


class FileStep(StepFunction[Any, Any]):
    """A `@step` of a notebook file: it knows its code, and can not be called."""

    def __init__(self, definition: Definition, node: _Function, stub: Any, scope: Scope) -> None:
        super().__init__(stub, name=node.name, settings=Settings())
        self.definition = definition
        types = {one.arg: one.annotation for one in (*node.args.args, *node.args.kwonlyargs)}
        marked = {name: DATA_FILE for name, annotation in types.items() if _is_data_file(annotation)}
        known = tuple(replace(one, type=marked.get(one.name)) for one in self.shape.parameters)
        self.shape = FunctionShape(known, *_outputs(node.returns))
        self.wired: list[str] = []
        _, self._slice = slice_of_function(node, scope, text=definition.text, as_step=True)

    def wire(self, wiring: Wiring, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        placeholders = super().wire(wiring, args, kwargs)
        self.wired.append(wiring.steps[-1].name)
        return placeholders

    def _fingerprint(self) -> Fingerprint:
        return combined(self._slice)


class Functions:
    """The step and pipeline functions that the ordinary cells of a notebook define."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._scope = analysis.scope
        self._names: dict[str, Any] = {"__name__": "__notebook__"}
        self.steps: dict[str, FileStep] = {}
        self.pipelines: dict[str, PipelineWiring[Any]] = {}
        found = [(one, node, kind) for one in self._scope for node, kind in _decorated(one, self._scope)]
        for definition, node, kind in found:
            if kind == "step":
                self.steps[node.name] = self._names[node.name] = self._step(definition, node)
        for definition, node, kind in found:
            if kind == "pipeline":
                self.pipelines[node.name] = self._names[node.name] = self._pipeline(definition, node)

    def calls(self) -> dict[str, dict[str, Any]]:
        """The pipelines that the cells call, with their arguments; the only one there is, when none is called."""
        found: dict[str, dict[str, Any]] = {}
        for item in self._analysis.cells.ordinary:
            for call in _calls(item.cell.code.nodes):
                function = call.func.id if isinstance(call.func, ast.Name) else ""
                if function in self.pipelines:
                    found.pop(function, None)  # the last call counts
                    found[function] = self._arguments(call, item.place.label)
        if found or self._analysis.readings:
            return found
        outermost = [name for name in self.pipelines if not self._is_used(name)]
        if len(outermost) > 1:
            names = " and ".join(map(repr, outermost))
            raise UsageError(
                f"The notebook defines the pipelines {names}, and calls none.", "Call one in a cell below."
            )
        return {name: {} for name in outermost}

    def _is_used(self, name: str) -> bool:
        others = (self._scope.lookup(other) for other in self.pipelines if other != name)
        return any(other is not None and name in other.reads for other in others)

    def _step(self, definition: Definition, node: _Function) -> FileStep:
        stub = self._made(node, definition.label, body=[ast.Pass()])
        made = FileStep(definition, node, stub, self._scope)
        options = self._options(node, "step", definition.label)
        check_known("@step", dict.fromkeys(set(options) - {*OPTIONS}), OPTIONS)
        made.name = options.get("name") or node.name
        made.settings = settings_of(made.name, outputs=[output.name for output in made.shape.outputs], **options)
        return made

    def _pipeline(self, definition: Definition, node: _Function) -> PipelineWiring[Any]:
        options = self._options(node, "pipeline", definition.label)
        check_known("@pipeline", dict.fromkeys(set(options) - {*PIPELINE_OPTIONS}), PIPELINE_OPTIONS)
        self._bind_names(definition, f"Pipeline {definition.name!r}")
        name = options.get("name") or node.name
        if options.get("dynamic"):
            raise UsageError(
                f"Pipeline {name!r} ({definition.label}) is dynamic: what it runs is not known before it runs.",
                "Run its cell, or the notebook as one step: mlstack run NOTEBOOK --whole",
            )
        made = self._made(node, definition.label, body=node.body)
        return PipelineWiring(made, name=name, planning=RunPlanning().changed(name, options))

    def _bind_names(self, function: Definition, what: str) -> None:
        """What a function that is called here reads besides steps: constants, helpers and the standard library."""
        found = reach(function.code, self._scope, through_values=False)
        self._names.update(found.constants)
        for one in (*found.definitions, *found.value_definitions):
            if one.name in self._names or _own_kind(one, self._scope) or one.name not in self._read_by(function):
                continue
            if one.kind is Kind.VALUE or not _is_cheap(one):
                raise GraphError(
                    f"{what} ({function.label}) reads {one.name!r} of {one.label}, which is not known before the cells "
                    "are executed.",
                    "Read it in a step, or give it to the pipeline as an argument.",
                )
            exec(compile(ast.Module([one.node], []), f"<{one.label}>", "exec"), self._names)  # noqa: S102

    def _read_by(self, function: Definition) -> set[str]:
        """The names that a call looks up: those of the function's body, and of helper functions that it calls."""
        node = function.node
        found: set[str] = set()
        todo = list(Code(node.body).names.reads) if isinstance(node, _Function) else []
        while todo:
            name = todo.pop()
            one = self._scope.lookup(name)
            if name not in found and one is not None:
                found.add(name)
                todo += one.reads if one.kind is Kind.FUNCTION and not _own_kind(one, self._scope) else ()
        return found

    def _arguments(self, call: ast.Call, label: str) -> dict[str, Any]:
        function = call.func.id if isinstance(call.func, ast.Name) else ""
        names = [parameter.name for parameter in signature_of(self.pipelines[function].function).parameters]
        given = [*zip(names, call.args, strict=False), *((one.arg or "", one.value) for one in call.keywords)]
        return {name: self._value(value, f"Argument {name!r} of {function!r} in {label}") for name, value in given}

    def _value(self, node: ast.expr, what: str) -> Any:
        """A literal, a constant of the notebook, or what stands for an output of a step cell."""
        if isinstance(node, ast.Name):
            maker = self._analysis.makers.last(node.id)
            if maker is not None:
                self._analysis.readings[maker.name].needed.add(node.id)
                return OutputOf(maker.name, node.id)
            definition = self._scope.lookup(node.id)
            if definition is not None and definition.kind is Kind.CONSTANT:
                return definition.value
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError):
            raise GraphError(
                f"{what} is {ast.unparse(node)!r}, which is not known before the cells are executed.",
                "Give a literal, a constant, or the output of a step.",
            ) from None

    def _options(self, node: _Function, kind: str, label: str) -> dict[str, Any]:
        for decorator in node.decorator_list:
            if own_decorator(decorator, self._scope) == kind and isinstance(decorator, ast.Call):
                what = f"of @{kind} {node.name!r} in {label}"
                return {one.arg or "": self._option(one, what) for one in decorator.keywords}
        return {}

    def _option(self, given: ast.keyword, what: str) -> Any:
        of = f"Option {given.arg} {what}"
        match given.value:
            case ast.Call(ast.Name(kind), positional, keywords) if kind in _OPTION_TYPES:
                named = {one.arg or "": self._value(one.value, f"Option {one.arg} {what}") for one in keywords}
                return _OPTION_TYPES[kind](*(self._value(one, of) for one in positional), **named)
            case ast.Name(name) if given.arg in HOOKS and (hook := self._scope.lookup(name)) is not None:
                return self._hook(hook, f"Hook {name!r} {what}")
        return self._value(given.value, of)

    def _hook(self, hook: Definition, what: str) -> Any:
        """A function of a cell, which is called in this process, not in the step's kernel."""
        if not isinstance(hook.node, _Function) or not _is_cheap(hook):
            raise GraphError(
                f"{what} ({hook.label}) is no plain function of a cell.",
                "Define it with def, or give its path: package.f",
            )
        if hook.name not in self._names:
            self._bind_names(hook, what)
            exec(compile(ast.Module([hook.node], []), f"<{hook.label}>", "exec"), self._names)  # noqa: S102
        return self._names[hook.name]

    def _made(self, node: _Function, label: str, body: list[ast.stmt]) -> Any:
        """The function without annotations and decorators, its defaults as far as they are known."""
        plain: Any = ast.parse("def stub(): ...").body[0]
        plain.name, plain.args, plain.body = node.name, self._plain_arguments(node, label), body
        module = ast.fix_missing_locations(ast.Module([ast.copy_location(plain, node)], []))
        exec(compile(module, f"<{label}>", "exec"), self._names)  # noqa: S102
        return self._names.pop(node.name)

    def _plain_arguments(self, node: _Function, label: str) -> ast.arguments:
        found = node.args
        what = f"A default of {node.name!r} in {label}"
        self._names["_default"] = defaults = []

        def known(default: ast.expr | None) -> ast.expr | None:
            if default is None:
                return None
            defaults.append(self._value(default, what))
            return ast.Subscript(ast.Name("_default", ast.Load()), ast.Constant(len(defaults) - 1), ast.Load())

        return ast.arguments(
            posonlyargs=[ast.arg(one.arg) for one in found.posonlyargs],
            args=[ast.arg(one.arg) for one in found.args],
            vararg=found.vararg and ast.arg(found.vararg.arg),
            kwonlyargs=[ast.arg(one.arg) for one in found.kwonlyargs],
            kw_defaults=[known(one) for one in found.kw_defaults],
            kwarg=found.kwarg and ast.arg(found.kwarg.arg),
            defaults=[one for default in found.defaults if (one := known(default))],
        )


def _is_cheap(one: Definition) -> bool:
    """Whether making it runs no code of the notebook's and imports nothing large."""
    node = one.node
    if isinstance(node, ast.Import | ast.ImportFrom):
        name = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
        return locate(name).origin in (Origin.STDLIB, Origin.OWN)
    return isinstance(node, _Function) and not node.decorator_list


def _own_kind(definition: Definition, scope: Scope) -> str:
    return next((kind for _, kind in _decorated(definition, scope)), "")


def _decorated(definition: Definition, scope: Scope) -> Iterator[tuple[_Function, str]]:
    node = definition.node
    if isinstance(node, _Function):
        kinds = {own_decorator(decorator, scope) for decorator in node.decorator_list}
        yield from ((node, kind) for kind in ("step", "pipeline") if kind in kinds)


def _calls(nodes: tuple[ast.stmt, ...]) -> Iterator[ast.Call]:
    """The calls that are statements at top level, or what one assigns."""
    for node in nodes:
        if isinstance(node, ast.Expr | ast.Assign) and isinstance(node.value, ast.Call):
            yield node.value


def _outputs(returns: ast.expr | None) -> tuple[tuple[Output, ...], bool]:
    """What `signature_of` finds in the evaluated annotation, from its text; types are texts, too."""
    if isinstance(returns, ast.Constant) and isinstance(returns.value, str):
        returns = ast.parse(returns.value, mode="eval").body
    kind, name, config = _declared(returns)
    if not name and isinstance(returns, ast.Subscript) and isinstance(returns.slice, ast.Tuple):
        top = getattr(returns.value, "id", getattr(returns.value, "attr", ""))
        items = returns.slice.elts
        if top in ("tuple", "Tuple") and not any(isinstance(one, ast.Constant) and one.value is ... for one in items):
            found = [_declared(item) for item in items]
            return tuple(
                Output(own or f"output_{at}", own, one, said) for at, (one, own, said) in enumerate(found)
            ), True
    return (Output(name or "output", name, kind, config),), False


def _declared(annotation: ast.expr | None) -> tuple[str | None, str, ArtifactConfig | None]:
    if annotation is None or (isinstance(annotation, ast.Constant) and annotation.value is None):
        return None, "", None
    return declared(annotation)


def _is_data_file(annotation: ast.expr | None) -> bool:
    nodes = ast.walk(annotation) if annotation is not None else ()
    return any("DataFile" in (getattr(node, "id", ""), getattr(node, "attr", "")) for node in nodes)
