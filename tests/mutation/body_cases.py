"""The body of a step: its meaning counts, its looks and its options do not."""

from __future__ import annotations

from mutation_case import cases

CHAIN = '''
%%step load -> rows
"""Load the rows."""
rows = [3, 1, 2]
---
%%step clean -> tidy
# sort them
tidy = sorted(rows, reverse=True)
label = f"{len(tidy)} rows"
---
%%step count -> total
import math
total = math.fsum(tidy) + 0.5
'''

LOOKS = cases(
    CHAIN,
    [
        ("a comment is added", ("rows = [3", "# three of them\nrows = [3"), ""),
        ("a comment is edited", ("# sort them", "# Sort all of them."), ""),
        ("a comment is removed", ("# sort them\n", ""), ""),
        ("a comment at the end of a line", ("reverse=True)", "reverse=True)  # downwards"), ""),
        ("a docstring of a body is edited", ("Load the rows.", "Load some rows."), ""),
        ("blank lines", ("tidy = sorted", "\n\n\ntidy = sorted"), ""),
        ("spaces inside a line", ("[3, 1, 2]", "[ 3,1,2 ]"), ""),
        ("quotes", ('f"{len(tidy)} rows"', "f'{len(tidy)} rows'"), ""),
        ("a line broken in brackets", ("sorted(rows, reverse=True)", "sorted(\n    rows,\n    reverse=True,\n)"), ""),
        ("brackets that change nothing", ("math.fsum(tidy) + 0.5", "(math.fsum(tidy)) + (0.5)"), ""),
        ("another writing of the same number", ("+ 0.5", "+ 5e-1"), ""),
        ("a hexadecimal writing of the same number", ("[3, 1, 2]", "[0x3, 0b1, 2]"), ""),
        ("a semicolon instead of a line", ("import math\ntotal", "import math; total"), ""),
        ("a pass", ("tidy = sorted", "pass\ntidy = sorted"), ""),
        ("a string that nobody sees", ("import math", "'unseen'\nimport math"), ""),
        ("trailing spaces and a trailing newline", ("+ 0.5", "+ 0.5   \n\n"), ""),
        ("a backslash at the end of a line", ("total = math", "total = \\\n    math"), ""),
    ],
)

OPTIONS = cases(
    CHAIN,
    [
        ("retries", ("-> rows", "-> rows --retries 2"), ""),
        ("a time limit", ("-> rows", "-> rows --timeout 60"), ""),
        ("an age up to which a result is good", ("-> rows", "-> rows --expires 7d"), ""),
        ("spaces in the step line", ("clean -> tidy", "clean   ->   tidy"), ""),
        ("the order of two steps without data between them", ("count -> total", "count -> total --after load"), ""),
        ("a salt", ("-> rows", "-> rows --salt two"), "load"),
        ("no cache", ("-> rows", "-> rows --no-cache"), "load"),
        ("inputs written out that were found in the code", ("-> tidy", "-> tidy --in rows"), ""),
    ],
)

MEANING = cases(
    CHAIN,
    [
        ("a literal, and what reads it", ("[3, 1, 2]", "[3, 1, 4]"), "load clean count"),
        ("a literal, of which the next step makes the same", ("[3, 1, 2]", "[1, 3, 2]"), "load clean"),
        ("a keyword argument", ("reverse=True", "reverse=False"), "clean count"),
        ("an operator", ("+ 0.5", "- 0.5"), "count"),
        ("an attribute", ("math.fsum", "math.prod"), "count"),
        ("the text of an f-string that is no output", (' rows"', ' lines"'), "clean"),
        ("a conversion in an f-string", ("{len(tidy)}", "{len(tidy)!r}"), "clean"),
        ("an int becomes a float of equal value", ("[3, 1, 2]", "[3.0, 1, 2]"), "load clean count"),
        ("one becomes True", ("[3, 1, 2]", "[3, True, 2]"), "load clean count"),
        ("a string instead of a number", ("+ 0.5", "+ float('0.5')"), "count"),
        ("a call more", ("sorted(rows", "sorted(list(rows)"), "clean"),
        ("an import more", ("import math", "import math, json"), "count"),
        ("a branch that is not taken", ("import math", "import math\nif 0: print('never')"), "count"),
        ("a name that is no output", ("label =", "title ="), "clean"),
        (
            "two lines swapped",
            {
                'tidy = sorted(rows, reverse=True)\nlabel = f"{len(tidy)} rows"': (
                    'label = f"{len(rows)} rows"\ntidy = sorted(rows, reverse=True)'
                )
            },
            "clean",
        ),
        ("a displayed last string", ("+ 0.5", "+ 0.5\n'shown'"), "count"),
        ("an output more", ("-> tidy", "-> tidy, label"), "clean"),
        (
            "an output of another name",
            {"-> rows": "-> rows, more", "rows = [3, 1, 2]": "rows = [3, 1, 2]\nmore = 1"},
            "load",
        ),
        ("a type of an output", ("total = math", "total: float = math"), "count"),
        ("a walrus", ("total = math.fsum(tidy)", "total = (seen := math.fsum(tidy))"), "count"),
        ("a statement is deleted", ('label = f"{len(tidy)} rows"\n', ""), "clean"),
        ("del of a name", ("import math\n", "import math\nspare = 1\ndel spare\n"), "count"),
    ],
)

FORMS = cases(
    """
LEVEL = "high"
---
def grade(value):
    match value:
        case 1 | 2: return "low"
        case {"level": level}: return level
        case _: return LEVEL
---
def stored(value):
    return value * 2
---
%%step walk -> found
found = [n for n in range(6) if (half := n // 2) > 1]
---
%%step judge -> graded
graded = [grade(n) for n in (1, 5)]
---
%%step guard -> kind
try:
    import no_such_package as package
    kind = package.kind
except ImportError:
    kind = "none"
---
%%step nest -> value
def outer(n):
    def inner(): return stored(n)
    return inner()
class Local:
    factor = 2
    def apply(self, n): return outer(n) * self.factor
value = Local().apply(2)
---
%%step loops -> sums
sums = 0
for stored in range(3):
    sums += stored
with open(__import__("os").devnull) as file:
    sums += len(file.read())
""",
    [
        ("a case of a match", ("1 | 2", "1 | 3"), "judge"),
        ("a constant behind a match", ('"high"', '"top"'), "judge"),
        ("a condition in a comprehension", ("> 1]", "> 0]"), "walk"),
        ("an iterable in a comprehension", ("range(6)", "range(7)"), "walk"),
        ("what an except makes", ('kind = "none"', 'kind = "no"'), "guard"),
        ("an except of another type", ("except ImportError", "except Exception"), "guard"),
        ("a nested function", ("return stored(n)", "return stored(n) + 1"), "nest"),
        ("an attribute of a class in a step", ("factor = 2", "factor = 3"), "nest"),
        ("what a nested function reaches", ("return value * 2", "return value * 3"), "nest"),
        ("a loop variable that has a helper's name", ("range(3)", "range(4)"), "loops"),
    ],
)

ALL = [*LOOKS, *OPTIONS, *MEANING, *FORMS]
