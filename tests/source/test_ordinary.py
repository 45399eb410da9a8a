"""What the lines of ordinary cells do besides binding names."""

from __future__ import annotations

import pytest

from mlstack_nb.source.cell import parse
from mlstack_nb.source.ordinary import Trace, lines_of, search_paths


def lines(text):
    return lines_of(parse(text, label="cell 1"), 0)


@pytest.mark.parametrize(
    ("text", "trace"),
    [
        ("x = 1", Trace.NONE),
        ("df.head()", Trace.NONE),
        ("%matplotlib inline", Trace.SESSION),
        ("%cd data", Trace.SESSION),
        ("%load_ext autoreload", Trace.SESSION),
        ("%load_ext mlstack_nb", Trace.NONE),
        ("%time x = 1", Trace.NONE),
        ("from __future__ import annotations", Trace.SESSION),
        ("import sys; sys.path.append('..')", Trace.SESSION),
        ("!wget http://host/a.csv", Trace.OUTSIDE),
        ("!pip install -q pandas", Trace.NONE),
        ("!{sys.executable} -m pip install pandas", Trace.NONE),
        ("!python -m pip install pandas", Trace.NONE),
        ("!ls data", Trace.NONE),
        ("df.to_csv('a.csv')", Trace.OUTSIDE),
        ("with open('a', 'w') as file:\n    file.write('x')", Trace.OUTSIDE),
        ("def save(df): df.to_csv('a.csv')", Trace.NONE),
        ("%%writefile a.py\nx = 1", Trace.OUTSIDE),
        ("%%bash\nmkdir a", Trace.OUTSIDE),
        ("%%html\n<b>", Trace.NONE),
    ],
)
def test_what_a_line_leaves_behind(text, trace):
    assert [line.trace for line in lines(text)] == [trace]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("sys.path.append('../src')", ["../src"]),
        ("sys.path.insert(0, '..')", [".."]),
        ("sys.path.append(os.path.join(os.getcwd(), '..', 'src'))", ["../src"]),
        ("sys.path.append(os.path.abspath('..'))", [".."]),
        ("sys.path.insert(0, str(Path.cwd().parent / 'src'))", ["../src"]),
        ("sys.path.append(os.path.dirname(os.getcwd()))", [".."]),
        ("if 'lib' not in sys.path:\n    sys.path.append('lib')", ["lib"]),
        ("print(sys.path)", []),
    ],
)
def test_folders_that_are_put_on_the_search_path(text, paths):
    assert list(search_paths(lines(text))) == paths


def test_lines_are_cut_as_they_are_written():
    text = "%%time\n@first\n@second(\n  1)\ndef f():\n    return 1\n\na = 1; b = [\n  2]; c = 3\n# last"
    found = [(line.text, line.is_alone) for line in lines(text)]
    assert found == [
        (text, True),
        ("@first\n@second(\n  1)\ndef f():\n    return 1", False),
        ("a = 1; b = [\n  2]; c = 3", False),
    ]


def test_an_indented_cell_is_cut_without_its_indentation():
    assert [line.text for line in lines("    a = 1\n    b = 2")] == ["a = 1", "b = 2"]


@pytest.mark.parametrize(
    ("text", "name"),
    [("queue.put(1)", "queue"), ("a.b[0].c()", "a"), ("df.head()", ""), ("df.mean().to(1)", ""), ("x = q.get()", "")],
)
def test_a_method_that_is_called_for_its_effect(text, name):
    assert [line.called_on for line in lines(text)] == [name]
