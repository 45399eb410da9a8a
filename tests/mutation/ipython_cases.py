"""What only IPython understands: magics, shell commands, top-level `await`, help."""

from __future__ import annotations

from mutation_case import cases

ALL = cases(
    """
DEPTH = 2
---
def clean(x):
    return x + 1
---
async def later(x):
    return clean(x)
---
folder = !echo data
---
%%step listed -> a
a = !echo one {DEPTH}
a = list(a)
---
%%step timed -> b
%time b = clean(1)
---
%%step captured -> c
%%capture printed
print("loud")
c = clean(2)
---
%%step awaited -> d
d = await later(3)
---
%%step given -> e
e = folder[0]
---
%%step apart -> f
f = 1
""",
    [
        ("ipython: a constant in a shell command", ("DEPTH = 2", "DEPTH = 3"), "listed"),
        (
            "ipython: shell commands of a step and of an ordinary cell",
            {"!echo one": "!echo two", "!echo data": "!echo more"},
            "listed given",
        ),
        ("ipython: a helper behind magics and await", ("return x + 1", "return x + 2"), "timed captured awaited"),
        ("ipython: another command that gives the same", ("!echo data", "!printf 'data'"), ""),
        (
            "ipython: comments, help and a magic in an ordinary cell",
            {
                "    return x + 1": "    # one more\n    return x + 1",
                "DEPTH = 2": "%precision 3\nDEPTH = 2  # levels",
                "%time b": "# timed\n%time b",
                "f = 1": "f = (\n    1\n)",
            },
            "",
        ),
    ],
)
