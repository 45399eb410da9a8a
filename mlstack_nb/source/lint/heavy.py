"""MLS302: ordinary cells that do heavy work for a step before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlstack_nb.source.lint.data_files import READERS
from mlstack_nb.source.lint.findings import Finding
from mlstack_nb.source.lint.passages import Part
from mlstack_nb.source.lint.usage import Called, Spot, Usage

_FITS = frozenset("fit fit_generator fit_predict fit_resample fit_transform partial_fit train_on_batch".split())
_DRAWS = frozenset(
    "plot savefig imshow scatterplot lineplot heatmap pairplot histplot boxplot barplot countplot".split()
)
_DRAWING = ("matplotlib.pyplot.", "seaborn.", "plotly.express.")
_FETCHES = frozenset(
    "from_pretrained load_dataset read_sql read_sql_query read_sql_table read_gbq urlretrieve urlopen".split()
)
_DATASETS = ("sklearn.datasets.fetch_", "tensorflow.keras.datasets.", "keras.datasets.", "torchvision.datasets.")
_LISTS = frozenset({"os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob", "open", "io.open"})
_FEW = 1000
_SETS_UP = frozenset("rcParams set set_theme set_style set_context use style".split())


def heavy_preludes(usage: Usage) -> Iterator[Finding]:
    """One for each statement of an ordinary cell that is executed for the step."""
    if usage.code.is_whole:
        return
    told: set[ast.AST] = set()
    for statement in usage.statements:
        if statement.passage.part is not Part.BODY and not statement.is_deferred and statement.node not in told:
            what = _work(statement, usage)
            if what:
                told.update(ast.walk(statement.node))
                yield statement.finding("MLS302", f"It {what}, each time a step that needs it is to run.")


def _work(statement: Spot, usage: Usage) -> str:
    """What a statement does that takes long."""
    node = statement.node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
        return ""
    inner = set(ast.walk(node))
    for call in usage.at_once:
        if call.node in inner and (what := _heavy_call(call)):
            return what
    loops = (one for one in inner if isinstance(one, ast.For | ast.AsyncFor | ast.While))
    return "loops over data" if any(_is_long(loop, usage) for loop in loops) else ""


def _heavy_call(call: Called) -> str:
    if call.path in READERS and call.path not in _LISTS:
        return f"reads data (`{call.path}`)"
    if call.path.startswith(_DATASETS) or call.method in _FETCHES:
        return f"fetches data (`{call.path or call.method}`)"
    if call.method in _FITS and call.receiver is not None:
        return f"fits (`.{call.method}`)"
    is_drawing = call.path.startswith(_DRAWING) and call.method not in _SETS_UP
    return "draws" if is_drawing or (call.method in _DRAWS and not call.path and call.receiver is not None) else ""


def _is_long(loop: ast.For | ast.AsyncFor | ast.While, usage: Usage) -> bool:
    """Not a loop over what is written there, or in a constant."""
    return isinstance(loop, ast.While) or not _is_short(loop.iter, usage)


def _is_short(node: ast.expr, usage: Usage) -> bool:
    match node:
        case ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.Constant():
            return True
        case ast.Call(ast.Name("range"), arguments):
            return all(
                isinstance(one, ast.Constant) and isinstance(one.value, int) and one.value <= _FEW for one in arguments
            )
        case ast.Call(ast.Name("enumerate" | "zip" | "reversed" | "sorted"), arguments):
            return all(_is_short(one, usage) for one in arguments)
        case ast.Call(ast.Attribute(inner, "items" | "keys" | "values" | "split")):
            return _is_short(inner, usage)
        case ast.Name(name):
            values = usage.literals.get(name, [])
            literals = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Constant)
            return name in usage.code.texts or (bool(values) and all(isinstance(one, literals) for one in values))
    return False
