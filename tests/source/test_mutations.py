"""Which objects statements may change in place, directly, by functions, and under other names."""

from __future__ import annotations

import pytest

from mlstack_nb.source.cell import parse
from mlstack_nb.source.mutations import mutated
from mlstack_nb.source.scope import NotebookScope

FUNCTIONS = """
settings = {}
def widen(frame, by=1):
    part = frame
    part["x"] = by
def look(frame): return frame.head()
def through(first, *, second): widen(second)
def configure(): settings["a"] = 1
def count():
    global settings
    settings = {}
def endless(frame): endless(frame); frame.sort()
"""


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("df['x'] = 1", "df"),
        ("df.loc[0, 'x'] = 1", "df"),
        ("model.depth = 3", "model"),
        ("del df['x']", "df"),
        ("df['n'] += 1", "df"),
        ("rows.append(1)", "rows"),
        ("df.drop(columns='a', inplace=True)", "df"),
        ("df = df.drop(columns='a')", ""),
        ("df.head()\ndf.groupby('a').mean()", ""),
        ("model.fit(X, y)", "model"),
        ("history = model.fit(X, y)", "history model"),
        ("%time model.fit(X, y)", "model"),
        ("if ok:\n    for k in range(3):\n        model.partial_fit(X)", "model"),
        ("random.shuffle(rows)", "random rows"),
        ("weights.zero_()", "weights"),
        ("opt = Adam(net.parameters())\nopt.step()", "net opt"),
        ("data = [train, test]\nfor part in data:\n    part['x'] = 1", "data part test train"),
        ("one = two = []\none.append(1)", "one two"),
        ("a, b = x, y\na.sort()", "a x"),
        ("X, Y = split(data)\nX.sort()", "X"),
        ("first = rows[0]\nfirst['x'] = 1", "first rows"),
        ("copied = df.copy()\ncopied['x'] = 1", "copied"),
        ("with table as open_table:\n    open_table['x'] = 1", "open_table table"),
        ("widen(df)", "df"),
        ("widen(by=2, frame=df)", "df"),
        ("look(df)", ""),
        ("through(a, second=b)", "b"),
        ("configure()", "settings"),
        ("count()", "settings"),
        ("endless(df)", "df"),
        ("def own(frame): frame['x'] = 1\nown(df)", "df"),
        ("def own(frame): frame['x'] = 1", ""),
        ("@app.route('/')\ndef page(): ...", "app"),
    ],
)
def test_names_whose_objects_change(text: str, changed: str) -> None:
    scope = NotebookScope()
    scope.add(parse(FUNCTIONS, label="cell 1"))
    assert " ".join(sorted(mutated(parse(text, label="cell 2").code, scope))) == " ".join(sorted(changed.split()))
