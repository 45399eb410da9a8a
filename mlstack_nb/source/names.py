"""Which names a run of statements reads from outside and which it binds, by Python's own scoping rules."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlstack_nb.source.name_rules import RULES
from mlstack_nb.source.name_walk import ASSIGNED, DEFERRED, IMPORTED, MAYBE, NameWalk

BUILTINS = frozenset(dir(builtins)) | frozenset(
    "__file__ __builtins__ __class__ __module__ __qualname__ __path__ __annotations__ "
    "get_ipython display exit quit In Out _ __ ___ _i _ii _iii _oh _ih _dh".split()
)
_DYNAMIC = frozenset({"exec", "eval", "globals"})


@dataclass(frozen=True, slots=True)
class Names:
    """What statements at module scope need and give.

    `reads`: names looked up outside, in order of first read: read before they are certainly bound, or free in a
    function and never bound here. `maybe_reads`: those of them that some path binds first. `optional`: those that
    need no definition, because they are builtins or stand in shell text or in annotations that are not evaluated;
    a builtin's name may still be another step's output.
    `binds`: names bound afterwards, in order of first binding; `maybe_binds`: those of them that some path leaves
    unbound. `assigned`: names last bound by an assignment, so by no import, def, class, loop or `with`; `imported`:
    names last bound by an import.
    `annotations`: those written `x: T` at module scope. `star_imports`: modules as written, dots included.
    `dynamic`: looks names up at run time (`globals()`, `eval`), so that any name may be read.
    """

    reads: tuple[str, ...] = ()
    maybe_reads: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    binds: tuple[str, ...] = ()
    maybe_binds: frozenset[str] = frozenset()
    assigned: frozenset[str] = frozenset()
    imported: frozenset[str] = frozenset()
    annotations: Mapping[str, ast.expr] = field(default_factory=dict)
    star_imports: tuple[str, ...] = ()
    awaits: bool = False
    dynamic: bool = False


def names_of(nodes: Sequence[ast.stmt], *, lazy_annotations: bool = False) -> Names:
    """The names of statements that run one after the other at module scope.

    `lazy_annotations` says that `from __future__ import annotations` is in force above them.
    """
    walk = NameWalk(RULES, lazy_annotations)
    walk.block(nodes)
    state = walk.module.state
    reads: list[str] = []
    maybe: set[str] = set()
    for name, strength in walk.reads.items():
        if strength == DEFERRED and name in walk.ever_bound:
            if state.get(name):
                continue
            maybe.add(name)
        elif strength == MAYBE:
            maybe.add(name)
        reads.append(name)
    binds = tuple(name for name in walk.ever_bound if name in state)
    return Names(
        reads=tuple(reads),
        maybe_reads=frozenset(maybe),
        optional=frozenset(name for name in reads if name in BUILTINS or name not in walk.needed),
        binds=binds,
        maybe_binds=frozenset(name for name in binds if not state[name]),
        assigned=frozenset(name for name in binds if walk.ever_bound[name] == ASSIGNED),
        imported=frozenset(name for name in binds if walk.ever_bound[name] == IMPORTED),
        annotations=walk.annotations,
        star_imports=tuple(walk.star_imports),
        awaits=walk.awaits,
        dynamic=walk.dynamic or not _DYNAMIC.isdisjoint(reads),
    )
