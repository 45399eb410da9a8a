"""Reading code for what it calls and uses, under whatever name it has it: `np.random.rand` is `numpy.random.rand`.

Scopes are Python's own, so a parameter called `random` is no module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from mlstack_nb.source.embedded import embedded_in
from mlstack_nb.source.lint.findings import Place
from mlstack_nb.source.lint.passages import Part, Passage, StepCode
from mlstack_nb.source.lint.usage import Called, Spot, Text, Usage, Use

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def usage_of(code: StepCode) -> Usage:
    """Read the passages of a step one after the other, as they are executed."""
    walk = _Walk(Usage(code))
    around = [one for one in code.passages if one.part is not Part.BODY]
    own = [one for one in code.passages if one.part is Part.BODY]
    for passage in around:
        walk.read(passage)
    for name in (*code.inputs, *code.texts):
        walk.names[0][name] = ""
    for passage in own:
        walk.read(passage)
    return walk.usage


class _Walk:
    """`names` has what each name of the scopes leads to, outermost first; empty for what is no import."""

    def __init__(self, usage: Usage) -> None:
        self.usage = usage
        self.names: list[dict[str, str]] = [{}]
        self.passage = Passage((), Place())
        self.depth = 0
        self.embedded: ast.Call | None = None
        self.holders: list[Called | None] = [None]

    def read(self, passage: Passage) -> None:
        self.passage = passage
        for node in passage.nodes:
            for parent in ast.walk(node):
                self.usage.parents.update((child, parent) for child in ast.iter_child_nodes(parent))
        self._block(passage.nodes)

    def _block(self, nodes: Sequence[ast.stmt]) -> None:
        for node in nodes:
            self.usage.statements.append(self._spot(node))
            self._visit(node)

    def _spot(self, node: ast.expr | ast.stmt) -> Spot:
        at = self.embedded or node
        shift = self.passage.place.first_line - 1
        last = at.end_lineno or at.lineno
        return Spot(node, self.passage, at.lineno + shift, last + shift, self.depth > 0, self.embedded is not None)

    def _visit(self, node: ast.AST | None) -> None:
        match node:
            case None:
                return
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._function(node)
            case ast.ClassDef():
                self._class(node)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._comprehension(node)
            case ast.Assign() | ast.AnnAssign() | ast.NamedExpr() | ast.AugAssign():
                self._assign(node)
            case ast.Expr(ast.Constant(str())):
                return  # a docstring, or text that nobody reads
            case ast.Attribute() | ast.Name():
                self._use(node)
            case ast.Call():
                self._call(node)
            case ast.Constant(str(value)):
                self._text(node, value)
            case ast.JoinedStr():
                self._formatted(node)
            case _:
                self._children(node)

    def _children(self, node: ast.AST) -> None:
        for name, value in ast.iter_fields(node):
            if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and isinstance(value, str):
                self._bind(value, "")
            if name in ("body", "orelse", "finalbody") and isinstance(value, list):
                self._block(value)
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    self._visit(child)

    def _bind(self, name: str, path: str) -> None:
        self.names[-1][name] = path

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                self._bind(alias.asname or alias.name.partition(".")[0], alias.name if alias.asname else _top(alias))
            elif alias.name != "*":
                own = node.level > 0
                self._bind(alias.asname or alias.name, "" if own else f"{node.module}.{alias.name}")

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            self._visit(default)
        arguments = node.args
        local = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        local += [one.arg for one in (arguments.vararg, arguments.kwarg) if one is not None]
        body: Sequence[ast.stmt]
        if isinstance(node, ast.Lambda):
            body = [ast.copy_location(ast.Expr(node.body), node.body)]
        else:
            body = node.body
            for decorator in node.decorator_list:
                self._visit(decorator)
            self._bind(node.name, "")
            local += _bound_inside(body)
        self.names.append(dict.fromkeys(local, ""))
        self.depth += 1
        holders, self.holders = self.holders, [None]
        self._block(body)
        self.holders = holders
        self.depth -= 1
        self.names.pop()

    def _class(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *(one.value for one in node.keywords)):
            self._visit(part)
        self.names.append({})
        self._block(node.body)
        self.names.pop()
        self._bind(node.name, "")

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        self.names.append({})
        for generator in node.generators:
            self._visit(generator.iter)
            self._visit(generator.target)
            for condition in generator.ifs:
                self._visit(condition)
        for part in ("key", "value", "elt"):
            self._visit(getattr(node, part, None))
        self.names.pop()

    def _assign(self, node: ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.AugAssign) -> None:
        self._visit(node.value)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if not isinstance(target, ast.Name) or isinstance(node, ast.AugAssign):
                self._visit(target)
            elif node.value is not None:
                self.usage.literals.setdefault(target.id, []).append(node.value)
                if isinstance(node.value, ast.Constant) and node.value.value is None:
                    continue  # `except ImportError: np = None`
                is_chain = len(targets) == 1 and isinstance(node.value, ast.Name | ast.Attribute)
                self._bind(target.id, self._path(node.value) if is_chain else "")  # `draw = np.random.rand`

    def _use(self, node: ast.Attribute | ast.Name) -> None:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            self._bind(node.id, "")
            self.usage.literals.setdefault(node.id, []).append(None)
            return
        path = self._path(node)
        if path:
            self.usage.paths[node] = path
            parent = self.usage.parents.get(node)
            is_called = isinstance(parent, ast.Call) and parent.func is node
            self.usage.uses.append(Use(self._spot(node), path, is_called))
        elif isinstance(node, ast.Attribute):
            self._visit(node.value)

    def _path(self, node: ast.expr) -> str:
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        root = next((names[node.id] for names in reversed(self.names) if node.id in names), "")
        return ".".join([root, *reversed(attributes)]) if root else ""

    def _call(self, node: ast.Call) -> None:
        self._visit(node.func)
        inner = embedded_in(node)
        func = node.func
        method = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        receiver = func.value if isinstance(func, ast.Attribute) else None
        path = self._path(func) or (method if isinstance(func, ast.Name) and not self._is_known(method) else "")
        if path:
            self.usage.paths[node.func] = path
        called = Called(self._spot(node), node, path, method, receiver)
        self.usage.calls.append(called)
        self.holders.append(called)
        for part in (*node.args, *(one.value for one in node.keywords)):
            self._visit(part)
        self.holders.pop()
        if inner is not None and inner.statements and self.embedded is None:
            self._embedded(node, inner.statements)

    def _is_known(self, name: str) -> bool:
        """Whether the code itself makes that name, so that it is no builtin."""
        return any(name in names for names in self.names)

    def _embedded(self, call: ast.Call, statements: Sequence[ast.stmt]) -> None:
        self.embedded = call
        for node in statements:
            for parent in ast.walk(node):
                self.usage.parents.update((child, parent) for child in ast.iter_child_nodes(parent))
        self._block(statements)
        self.embedded = None

    def _text(self, node: ast.Constant, value: str) -> None:
        self.usage.texts.append(Text(self._spot(node), value, self.holders[-1]))

    def _formatted(self, node: ast.JoinedStr) -> None:
        for at, part in enumerate(node.values):
            if isinstance(part, ast.FormattedValue):
                self._visit(part.value)
            elif at == 0 and isinstance(part, ast.Constant):
                self.usage.texts.append(Text(self._spot(node), str(part.value), self.holders[-1], is_formatted=True))


def _top(alias: ast.alias) -> str:
    return alias.name.partition(".")[0]


def _bound_inside(body: Sequence[ast.stmt]) -> Iterator[str]:
    """The names that a function binds itself, those of inner functions left out."""
    todo: list[ast.AST] = list(body)
    outer: set[str] = set()
    bound: list[str] = []
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Global | ast.Nonlocal):
            outer.update(node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.append(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.append(node.name)
            continue
        if not isinstance(node, (*_FUNCTIONS, *_COMPREHENSIONS)):
            todo.extend(ast.iter_child_nodes(node))
    return (name for name in bound if name not in outer)
