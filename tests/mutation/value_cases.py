"""Values: constants, parameters, files, artifacts, and what ordinary cells compute."""

from __future__ import annotations

from mutation_case import cases

CONSTANTS = cases(
    """
depth = 1
name = "a"
nested = {"rates": [0.1, {"deep": (1, 2)}], "on": True}
negative = -1
nothing = None
derived = depth + 1
text = f"{name}!"
total = 1
total += 1
spare = 5
del spare
---
FLAG = True
if FLAG:
    def pick(): return "yes"
else:
    def pick(): return "no"
---
def helper(): return negative
counter = 0
def count():
    global counter
    counter = counter + 2
count()
---
first, *others = [1, 2, 3]
(chosen := 7)
squares = [n * n for n in range(3)]
---
%%step shallow -> a
a = str(depth)
---
%%step texts -> b
b = text
---
%%step deep -> c
c = repr(nested)
---
%%step helped -> d
d = helper()
---
%%step computed -> e
e = derived
---
%%step augmented -> f
f = total
---
%%step none -> g
g = nothing is None
---
%%step picked -> h
h = pick()
---
%%step counted -> i
i = counter
---
%%step unpacked -> j
j = [others, chosen, squares]
---
%%step formatted -> k
k = f"{name:>{int(depth)}}"
""",
    [
        ("an int", ("depth = 1\n", "depth = 2\n"), "shallow computed formatted"),
        (
            "an int becomes its text",
            {
                "depth = 1\n": 'depth = "1"\n',
                "derived = depth + 1": "derived = 2",
            },
            "shallow formatted",
        ),
        ("an int becomes True", ("depth = 1\n", "depth = True\n"), "shallow formatted"),
        (
            "an int becomes a float",
            {
                "depth = 1\n": "depth = 1.0\n",
                "derived = depth + 1": "derived = int(depth + 1)",
            },
            "shallow formatted",
        ),
        ("the same int computed", ("depth = 1\n", "depth = 2 - 1\n"), ""),
        ("a string", ('name = "a"', 'name = "b"'), "texts formatted"),
        ("the quotes of a string", ('name = "a"', "name = 'a'"), ""),
        ("deep inside a constant", ('"deep": (1, 2)', '"deep": (1, 3)'), "deep"),
        ("a tuple becomes a list", ('"deep": (1, 2)', '"deep": [1, 2]'), "deep"),
        ("True becomes 1", ('"on": True', '"on": 1'), "deep"),
        (
            "the order of a dict",
            ('{"rates": [0.1, {"deep": (1, 2)}], "on": True}', '{"on": True, "rates": [0.1, {"deep": (1, 2)}]}'),
            "deep",
        ),
        ("the layout of a dict", ('"on": True}', '\n    "on": True,\n}'), ""),
        ("a sign", ("negative = -1", "negative = 1"), "helped"),
        ("zero becomes minus zero", {"negative = -1": "negative = 0.0"}, "helped"),
        ("None", ("nothing = None", "nothing = 0"), "none"),
        ("how a value is computed, to the same end", ("derived = depth + 1", "derived = 1 + depth"), ""),
        ("how a value is computed, to another end", ("derived = depth + 1", "derived = depth + 2"), "computed"),
        ("an augmented assignment", ("total += 1", "total += 2"), "augmented"),
        ("what is deleted again", ("spare = 5", "spare = 6"), ""),
        ("a condition around definitions", ("FLAG = True", "FLAG = False"), "picked"),
        ("a definition under a condition", ('return "yes"', 'return "yes!"'), "picked"),
        ("what a function does to a global name", ("counter + 2", "counter + 3"), "counted"),
        ("an unpacked name", ("[1, 2, 3]", "[1, 2, 4]"), "unpacked"),
        ("an unpacked name that nobody reads", ("[1, 2, 3]", "[0, 2, 3]"), ""),
        ("a walrus in an ordinary cell", ("chosen := 7", "chosen := 8"), "unpacked"),
        ("a comprehension of the same values", ("[n * n for n in range(3)]", "[m ** 2 for m in range(3)]"), ""),
        ("a comprehension", ("[n * n for", "[n + n for"), "unpacked"),
        ("an annotation of a constant", ("depth = 1\n", "depth: int = 1\n"), ""),
        (
            "a constant moves to another cell",
            {"spare = 5\n": "spare = 5\n---\nnothing = None\n", "nothing = None\nderived": "derived"},
            "",
        ),
        ("a constant more", ("spare = 5", "spare = 5\nother = 6"), ""),
    ],
)

FILES = cases(
    """
%%file data/a.csv
1,2
---
%%file data/b.csv
3,4
---
%%file model.json
{}
---
from pathlib import Path
source = Path("data/a.csv")
folder = Path("data")
---
%%step reads -> a
a = source.read_text()
---
%%step lists -> b
b = sorted(one.name for one in folder.iterdir())
---
%%step told -> c --files model.json
c = open("model.json").read()
""",
    [
        ("the content of a file behind a path", ("1,2", "1,3"), "reads lists"),
        ("a file in a folder behind a path", ("3,4", "3,5"), "lists"),
        (
            "a file more in the folder",
            ("---\n%%file model.json", "---\n%%file data/c.csv\n5,6\n---\n%%file model.json"),
            "lists",
        ),
        ("a file named by --files", ("{}", "[]"), "told"),
        ("a path of another file", ('source = Path("data/a.csv")', 'source = Path("data/b.csv")'), "reads"),
        ("another writing of the path", ('source = Path("data/a.csv")', 'source = Path("data") / "a.csv"'), ""),
    ],
)

FLOW = cases(
    """
import pandas as pd
---
frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
---
%%step load -> rows
rows = [3, 1, 2]
---
def size(): return len(rows)
---
%%step sort -> ordered
ordered = sorted(rows)
---
%%step first -> smallest
smallest = ordered[0]
---
%%step table -> total
total = int(frame["a"].sum())
---
%%step measure -> length
length = size()
---
extra = 1
---
%%step last -> result
result = [smallest, total, length]
""",
    [
        ("an upstream step that gives the same", ("[3, 1, 2]", "list((3, 1, 2))"), "load"),
        ("an upstream step whose second result is the same", ("[3, 1, 2]", "[2, 1, 3]"), "load sort measure"),
        ("an upstream step that gives another", ("[3, 1, 2]", "[4, 1, 0]"), "load sort first measure last"),
        ("a step in the middle that gives the same", ("sorted(rows)", "sorted(rows, key=None)"), "sort"),
        ("a captured frame", ('"a": [1, 2]', '"a": [1, 3]'), "table last"),
        (
            "a captured frame made in another way",
            ('pd.DataFrame({"a": [1, 2], "b": [3, 4]})', 'pd.DataFrame([[1, 3], [2, 4]], columns=["a", "b"])'),
            "",
        ),
        ("a type of a column", ('"a": [1, 2]', '"a": [1.0, 2.0]'), "table"),
        ("the order of columns", ('{"a": [1, 2], "b": [3, 4]}', '{"b": [3, 4], "a": [1, 2]}'), "table"),
        ("a step is renamed", ("%%step sort", "%%step order"), ""),
        (
            "an output is renamed everywhere",
            {
                "-> ordered\nordered = sorted(rows)": "-> tidy\ntidy = sorted(rows)",
                "smallest = ordered[0]": "smallest = tidy[0]",
            },
            "sort first",
        ),
        (
            "a step cell moves",
            {
                '---\n%%step table -> total\ntotal = int(frame["a"].sum())\n': "",
                "---\n%%step load": '---\n%%step table -> total\ntotal = int(frame["a"].sum())\n---\n%%step load',
            },
            "",
        ),
        (
            "a step is added",
            ("---\nextra = 1\n", "---\nextra = 1\n---\n%%step more -> more\nmore = rows + [1]\n"),
            "more",
        ),
        ("a step at the end is deleted", ("---\n%%step last -> result\nresult = [smallest, total, length]\n", ""), ""),
        ("an ordinary cell that reads a result is added", ("extra = 1", "extra = 1\n---\nprint(total)"), ""),
        ("an ordinary cell between the steps is edited", ("extra = 1", "extra = 2"), ""),
        ("an ordinary cell is deleted", ("extra = 1\n---\n", ""), ""),
        ("what a step reads becomes a step", {"frame = pd": "%%step frames -> frame\nframe = pd"}, "frames"),
        (
            "two steps become one",
            {
                "ordered = sorted(rows)\n---\n%%step first -> smallest\n": "ordered = sorted(rows)\n",
                "%%step sort -> ordered": "%%step sort -> smallest",
            },
            "sort",
        ),
    ],
)

DYNAMIC = cases(
    """
def one(): return 1
---
def two(): return 2
---
RATE = 3
---
import random
random.seed(7)
---
%%step by_name -> a
a = globals()["one"]()
---
%%step evaluated -> b
b = eval("two()")
---
%%step executed -> c
exec("c = RATE")
c = c
---
%%step plain -> d
d = one()
---
%%step drawn -> e
e = isinstance(random.random(), float)
""",
    [
        (
            "a function that only globals() reaches",
            ("def one(): return 1", "def one(): return 5"),
            "by_name evaluated executed plain",
        ),
        (
            "a function that only eval reaches",
            ("def two(): return 2", "def two(): return 5"),
            "by_name evaluated executed",
        ),
        ("a constant that only exec reaches", ("RATE = 3", "RATE = 4"), "by_name evaluated executed"),
        ("a seed", ("seed(7)", "seed(8)"), "drawn by_name evaluated executed"),
    ],
)

ALL = [*CONSTANTS, *FILES, *FLOW, *DYNAMIC]
