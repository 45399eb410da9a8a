"""MLS201: random numbers that are different in each run."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlstack_nb.source.lint.findings import Edit, Finding
from mlstack_nb.source.lint.generators import (
    ALWAYS,
    GENERATORS,
    LAYERS,
    OWN,
    PACKAGES,
    SEEDS,
    SEEDS_ALL,
    WHEN,
)
from mlstack_nb.source.lint.usage import Called, Usage

_HINTS = {
    "numpy": "Draw from a generator of its own, rng = np.random.default_rng(0), or call np.random.seed(0) first.",
    "random": "Draw from a generator of its own, rng = random.Random(0), or call random.seed(0) first.",
    "torch": "Call torch.manual_seed(0) first.",
    "tensorflow": "Call tf.random.set_seed(0) first.",
}


def unseeded_randomness(usage: Usage) -> Iterator[Finding]:
    """MLS201. Of a module's own generator only the first use is told, as one seed mends all."""
    done = set(_seeded(usage))
    for call in usage.calls:
        family = _own_generator(call)
        if family and family not in done:
            done.add(family)
            what = f"`{call.path}` draws from the generator of {family}, which the step does not seed."
            yield call.spot.finding("MLS201", what, _HINTS[family])
    seeded = set(_seeded(usage))
    for call in usage.calls:
        if call.path in GENERATORS and _is_missing(call.node, "seed", first=True):
            what, hint = f"`{call.path}()` has no seed.", f"Give it one: {call.method}(0)."
            yield call.spot.finding("MLS201", what, hint, _first(call))
        elif _takes_random_state(call) and "numpy" not in seeded and _is_missing(call.node, "random_state"):
            what, hint = f"`{call.method}` has no random_state.", "Give it one: random_state=0."
            yield call.spot.finding("MLS201", what, hint, _keyword(call))


def _seeded(usage: Usage) -> Iterator[str]:
    """The families whose generators some code of the step seeds; `seed(None)` does not."""
    for call in usage.calls:
        given = [*call.node.args, *(one.value for one in call.node.keywords)]
        if not given or (isinstance(given[0], ast.Constant) and given[0].value is None):
            continue
        if call.path in SEEDS:
            yield SEEDS[call.path]
        elif call.method in SEEDS_ALL:
            yield from _HINTS


def _own_generator(call: Called) -> str:
    """The family whose own generator the call draws from."""
    family = "torch" if call.path in LAYERS else OWN.get(call.path, "")
    if call.path == "torch.utils.data.random_split" and len(call.node.args) < 3:
        family = "torch"
    if call.path == "torch.utils.data.DataLoader" and _has(call.node, "shuffle", (True,)):
        family = "torch"
    keywords = {one.arg for one in call.node.keywords}
    return family if keywords.isdisjoint(("generator", "seed", None)) else ""


def _takes_random_state(call: Called) -> bool:
    if call.path.startswith(PACKAGES):
        name = call.path.rpartition(".")[2]
        if name in WHEN:
            return _has(call.node, *WHEN[name])
        return name in ALWAYS and not (name == "train_test_split" and _has(call.node, "shuffle", (False,)))
    if call.path == "umap.UMAP":
        return True
    # `frac` is what tells the sample of a data frame from that of others
    keywords = {one.arg for one in call.node.keywords}
    return call.method == "sample" and not call.path and "frac" in keywords and keywords.isdisjoint(("seed", "key"))


def _has(call: ast.Call, name: str, values: tuple[object, ...]) -> bool:
    """Whether the call gives one of these literals for a keyword."""
    found = [one.value for one in call.keywords if one.arg == name]
    return any(isinstance(one, ast.Constant) and one.value in values for one in found)


def _is_missing(call: ast.Call, name: str, *, first: bool = False) -> bool:
    """Whether the argument is not given, or None; not when `**options` may give it."""
    given = [one.value for one in call.keywords if one.arg in (name, None)]
    if any(one.arg is None for one in call.keywords) or any(isinstance(one, ast.Starred) for one in call.args):
        return False
    given += call.args[:1] if first else []
    return not given or any(isinstance(one, ast.Constant) and one.value is None for one in given)


def _first(call: Called) -> tuple[Edit, ...]:
    if not call.node.args and not call.node.keywords:
        return _inserted(call, "0")
    return _instead_of_none(
        call, [*call.node.args[:1], *(one.value for one in call.node.keywords if one.arg == "seed")]
    )


def _keyword(call: Called) -> tuple[Edit, ...]:
    given = [one.value for one in call.node.keywords if one.arg == "random_state"]
    if given:
        return _instead_of_none(call, given)
    last = [*call.node.args, *(one.value for one in call.node.keywords)]
    return _inserted(call, ", random_state=0" if last else "random_state=0")


def _inserted(call: Called, text: str) -> tuple[Edit, ...]:
    """After the last argument, else before the closing bracket."""
    node = call.node
    inner = [*node.args, *(one.value for one in node.keywords)]
    if any(isinstance(one, ast.GeneratorExp) for one in inner):
        return ()
    line, column = max(
        ((one.end_lineno or 0, one.end_col_offset or 0) for one in inner),
        default=(node.end_lineno or 0, (node.end_col_offset or 0) - 1),
    )
    return (Edit(call.spot.place.index, line + call.spot.shift, column, column, text),)


def _instead_of_none(call: Called, given: list[ast.expr]) -> tuple[Edit, ...]:
    for one in given:
        if isinstance(one, ast.Constant) and one.value is None and one.end_col_offset is not None:
            line = one.lineno + call.spot.shift
            return (Edit(call.spot.place.index, line, one.col_offset, one.end_col_offset, "0", old="None"),)
    return ()
