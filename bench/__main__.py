"""Print every figure beside its floor and its limit; exit code 1 when one does not hold."""

from __future__ import annotations

import sys

from bench import compile as compiling
from bench import fingerprint, hashing, imports, kernels, large, noop, parallel, replay


def main() -> int:
    print(f"{'':44} {'measured':>12} {'floor':>10} {'ratio':>7} {'limit':>10}")
    held = True
    for module in (imports, fingerprint, compiling, noop, large, hashing, parallel, replay, kernels):
        for line in module.lines():
            floor = "" if line.floor is None else f"{line.floor:.3g}"
            ratio = "" if line.ratio is None else f"{line.ratio:.2f}x"
            limit = f"{line.limit:g}x" if line.limit_is_ratio else f"{line.limit:g} {line.unit}"
            mark = "" if line.holds else "   <- does not hold"
            print(f"{line.name:44} {line.value:9.3g} {line.unit:2} {floor:>10} {ratio:>7} {limit:>10}{mark}")
            held = held and line.holds
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
