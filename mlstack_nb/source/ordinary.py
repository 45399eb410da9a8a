"""The statements of a notebook's ordinary cells, one by one: what each does besides binding names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from mlstack_nb.source.cell import Cell
from mlstack_nb.source.code import Code
from mlstack_nb.source.definition import first_line
from mlstack_nb.source.effects import root_name
from mlstack_nb.source.ipython_syntax import PYTHON_CELL_MAGICS, cell_magic, plain

Order = tuple[int, int]
"""Cell and statement: sorts statements as they stand in the notebook."""


class Trace(StrEnum):
    """What a statement leaves that no name tells: nothing, a setting of the session, or files and the like."""

    NONE = ""
    SESSION = "session"
    OUTSIDE = "outside"


_SESSION_MAGICS = frozenset("aimport autoreload cd config env load_ext matplotlib pylab reload_ext run set_env".split())
_OWN_MAGICS = frozenset({"load_ext mlstack_nb", "reload_ext mlstack_nb"})
_OUTSIDE_MAGICS = frozenset("! bash cmd file perl python python3 ruby script sh sx system writefile".split())
_INSTALLS = re.compile(
    r"\s*(?:sudo\s+)?(?:(?:\S*python\S*|\{sys\.executable\})\s+-m\s+pip|pip3?|uv|conda|mamba|apt|apt-get|ls|echo|cat|head"
    r"|tail|wc|du|pwd|which|nvidia-smi)\b"
)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_LEAVES = frozenset(
    "chdir copy2 copyfile copytree download download_file dump extractall makedirs mkdir move rename rmtree save "
    "savetxt savez to_csv to_excel to_feather to_json to_parquet to_pickle to_sql unpack_archive urlretrieve write "
    "write_bytes write_text".split()
)
# methods that only show what they are called on
_VIEWS = frozenset(
    "boxplot corr count describe display groupby head hist info isna isnull items keys memory_usage nunique plot print "
    "sample shape show summary tail unique value_counts values".split()
)


@dataclass(frozen=True, eq=False)
class Line:
    """One top-level statement of an ordinary cell, or several that share a line. `order` sorts as they stand."""

    cell: Cell
    order: Order
    code: Code
    is_magic_head: bool = False

    @property
    def nodes(self) -> tuple[ast.stmt, ...]:
        return self.code.nodes

    @property
    def first(self) -> int:
        return first_line(self.nodes[0])

    @property
    def last(self) -> int:
        return max(node.end_lineno or node.lineno for node in self.nodes)

    @property
    def text(self) -> str:
        """Its own lines, or the whole cell where it can not run without."""
        if self.is_cell:
            return self.cell.text
        return "\n".join(plain(self.cell.text).split("\n")[self.first - 1 : self.last])

    @property
    def is_alone(self) -> bool:
        """Whether it runs only as a whole cell, or first in one: `%%bash`, `%%capture out`, `from __future__`."""
        return self.is_cell or self.is_future

    @property
    def is_cell(self) -> bool:
        return self.is_magic_head or not self.cell.is_python

    @property
    def is_future(self) -> bool:
        return any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in self.nodes)

    @cached_property
    def trace(self) -> Trace:
        if self.is_future:  # IPython keeps it in force for all cells below
            return Trace.SESSION
        if not self.cell.is_python:
            magic = cell_magic(self.cell.text)
            return Trace.OUTSIDE if magic is not None and magic.name in _OUTSIDE_MAGICS else Trace.NONE
        found = {
            Trace.SESSION if _is_search_path(inner) else _trace_of(inner)
            for node in self.nodes
            if not isinstance(node, _DEFINITIONS)
            for inner in ast.walk(node)
            if isinstance(inner, ast.Call)
        }
        return next((trace for trace in (Trace.OUTSIDE, Trace.SESSION) if trace in found), Trace.NONE)

    @cached_property
    def called_on(self) -> str:
        """The name whose method is called for its effect, as its value is dropped: `queue.put(1)`."""
        for node in self.nodes:
            match node:
                case ast.Expr(ast.Call(ast.Attribute(owner, method))) if method not in _VIEWS and _is_path(owner):
                    return root_name(owner)
        return ""

    @cached_property
    def mentions(self) -> frozenset[str]:
        """Every name that it reads or binds."""
        return frozenset((*self.code.names.reads, *self.code.names.binds))

    @cached_property
    def draws(self) -> bool:
        """Whether it uses a module's own random generator, or its seed."""
        return uses_generator(self.code)


def lines_of(cell: Cell, number: int) -> tuple[Line, ...]:
    """The lines of a cell, which is the notebook's `number`-th."""
    magic = cell_magic(cell.text) if cell.is_python and "%%" in cell.text else None
    head = magic is not None and magic.name in PYTHON_CELL_MAGICS
    groups: list[list[ast.stmt]] = []
    for node in cell.code.nodes:
        if groups and first_line(node) <= (groups[-1][-1].end_lineno or 0):
            groups[-1].append(node)
        else:
            groups.append([node])
    return tuple(Line(cell, (number, at), Code(nodes), head and at == 0) for at, nodes in enumerate(groups))


def uses_generator(code: Code) -> bool:
    """Whether `code` reads something random of a module: `np.random.rand()`, `random.seed(0)`, `torch.randn(3)`."""
    for root, chains in code.chains.items():
        if root == "random" or any("random" in chain[:-1] for chain in chains):
            return True
        if root in ("torch", "tf") and any(part.startswith(("rand", "manual_seed")) for one in chains for part in one):
            return True
    return False


def search_paths(lines: Iterable[Line]) -> Iterator[str]:
    """The folders that the lines put on `sys.path`, as far as they are written there; relative ones as written.

    `os.path.join(os.getcwd(), "..", "src")` and `str(Path.cwd().parent / "src")` are read by their parts.
    """
    for line in lines:
        if line.trace is Trace.SESSION:
            for node in (inner for one in line.nodes for inner in ast.walk(one)):
                if isinstance(node, ast.Call) and _is_search_path(node) and node.args:
                    yield _written_path(node.args[-1])


def _is_search_path(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(ast.Attribute(ast.Name("sys"), "path"), "append" | "insert"):
            return True
    return False


def _written_path(node: ast.expr) -> str:
    parents, parts = 0, []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and inner.attr in ("parent", "dirname"):
            parents += 1
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            parts.append((inner.lineno, inner.col_offset, inner.value))
    return "/".join([*[".."] * parents, *(part for *_, part in sorted(parts))]) or "."


def _trace_of(call: ast.Call) -> Trace:
    func = call.func
    if not isinstance(func, ast.Attribute):
        return Trace.OUTSIDE if getattr(func, "id", "") in _LEAVES else Trace.NONE
    texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    match func.attr, texts:
        case "system" | "getoutput", [str(command), *_]:
            return Trace.NONE if _INSTALLS.match(command) else Trace.OUTSIDE
        case "run_line_magic", [str(name), str(line), *_] if name in _SESSION_MAGICS:
            return Trace.NONE if f"{name} {line.strip()}" in _OWN_MAGICS else Trace.SESSION
    return Trace.OUTSIDE if func.attr in _LEAVES else Trace.NONE


def _is_path(node: Any) -> bool:
    """`a`, `a.b.c`, `a[0].b`: no call in between, whose result would be what changes."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name)
