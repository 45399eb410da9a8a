"""Print every figure beside its floor and its limit, or those of the modules that are named; exit code 1 when one does
not hold.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench import compile as compiling
from bench import (
    fingerprint,
    hashing,
    history,
    imports,
    kernels,
    lab,
    large,
    mapped,
    noop,
    parallel,
    replay,
    run_notebook,
)

MODULES = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        imports,
        fingerprint,
        compiling,
        noop,
        mapped,
        large,
        hashing,
        parallel,
        replay,
        kernels,
        run_notebook,
        history,
        lab,
    )
}


def main(names: Sequence[str]) -> int:
    unknown = [name for name in names if name not in MODULES]
    if unknown:
        print(f"There is no bench {unknown[0]!r}. There are: {', '.join(MODULES)}.", file=sys.stderr)
        return 2
    print(f"{'':44} {'measured':>12} {'floor':>10} {'ratio':>7} {'limit':>10}")
    held = True
    for name in names or MODULES:
        for line in MODULES[name].lines():
            floor = "" if line.floor is None else f"{line.floor:.3g}"
            ratio = "" if line.ratio is None else f"{line.ratio:.2f}x"
            limit = f"{line.limit:g}x" if line.limit_is_ratio else f"{line.limit:g} {line.unit}"
            mark = "" if line.holds else "   <- does not hold"
            print(f"{line.name:44} {line.value:9.3g} {line.unit:2} {floor:>10} {ratio:>7} {limit:>10}{mark}")
            held = held and line.holds
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
