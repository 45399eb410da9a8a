"""IPython cells to Python: the same calls as IPython makes, on the same lines."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from mlstack_nb.source.ipython_syntax import cell_magic, python_body, to_python

CELLS = [
    "x = 1",
    "",
    "\n\n",
    "%matplotlib inline\nx = 1",
    "%foo a=b\n",
    "!ls -la\n",
    "!!ls\n",
    "x = !ls",
    "x = !ls {folder} | wc -l\ny = 2",
    "x = %time 3",
    "x: int = %time 3\n",
    "a['k'] = !ls",
    "x = \\\n  !ls\n",
    "x = %time \\\n f(x)\ny = 1",
    "x = f(\n  a=1)\ny = !ls",
    "a = (1\n%b)\n",
    "a = [\n    1\n    , 2\n    / 3\n]\n%who",
    "s = '''\n%magic\n!ls\n'''\n%foo",
    's = f"""\n%magic {x}\n"""\n!ls',
    "s = 'it\\'s' # '\n!ls",
    "for i in x:\n    !echo {i}\n    %time f(i)\nprint(i)\n",
    "if x:\n    y = !ls\nelse:\n    %pwd\n",
    "obj?",
    "obj.attr??",
    "obj[0]?",
    "?obj",
    "??obj",
    "?",
    "??",
    "np.*load*?",
    "%time?",
    "%%time?\n",
    "x = y?\n",
    "print('what?')\n",
    "x # ?\n",
    "f(a,\n  b)?\n",
    "!echo it's ok?\n",
    "!ls 'a b' # c\n",
    "x = 1 # it's\n!ls",
    "!ls \\\n -la \\\n -x\ny = 1",
    "%cd folder; ls",
    "!pip install 'a>=1'\nimport a",
    ",f a b",
    ";f a b",
    "/f a b",
    "a %= 3",
    "a //= 2\nb = a / 2\n",
    "x = 5 % 3\n%foo\n",
    "x == %foo",
    "a = b = !ls",
    "x <= !ls",
    'f"{x!r}"\n%ls',
    "lambda x=1: x\n%ls",
    "f(a=1, b={'c': 2})\n!ls",
    "%%time\nx = 1\ny = 2",
    "%%time\n",
    "%%time",
    "%%bash\nls\n",
    "\n\n%%bash -s 'a b'\nls\n\n",
    "# comment\n%%time\nx = 1",
    "%%writefile f.py\nx = '''\n",
    "  x = 1\n  y = 2\n",
    "\n    %time x = 1\n    y = 2\n",
    "x = '''\n   \n'''",
    ">>> x = 1\n>>> y = 2\n",
    ">>> for i in x:\n...     print(i)\n",
    "In [1]: x = 1\n   ...: y = 2\n",
    "await f()\n%ls",
    "def f():\n    return 1\n\n%timeit f()\n",
    "%time",
    "!",
]


def meaning(code: str) -> str:
    try:
        return ast.dump(ast.parse(code))
    except SyntaxError:
        return "not Python"


@pytest.mark.parametrize("cell", CELLS)
def test_the_calls_are_those_that_ipython_makes(cell: str) -> None:
    assert meaning(to_python(cell)) == meaning(TransformerManager().transform_cell(cell))


@pytest.mark.parametrize("cell", CELLS)
def test_every_line_stays_where_it_is(cell: str) -> None:
    body = python_body(cell)
    assert to_python(cell).count("\n") == cell.count("\n")
    assert body is None or body.count("\n") == cell.count("\n")


LINES = st.sampled_from(
    [
        "x = 1",
        "%time f(x)",
        "!ls {x}",
        "y = !ls",
        "z = %pwd",
        "s = '''",
        "'''",
        "if x:",
        "    !ls",
        "    y = 2",
        "]",
        "a = [",
        "  % 2",
        "obj?",
        "# it's",
        "f(",
        ")",
        "",
        "print('?')",
        "!echo \\",
        "x = \\",
        '"""',
        "%%time",
    ]
)


@given(st.lists(LINES, max_size=7))
def test_any_mix_of_lines_is_read_as_ipython_reads_it(lines: list[str]) -> None:
    cell = "\n".join(lines)
    try:
        theirs = TransformerManager().transform_cell(cell)
    except SyntaxError:
        return
    if meaning(theirs) != "not Python":
        assert meaning(to_python(cell)) == meaning(theirs)


def test_code_after_a_magic_keeps_its_line_number() -> None:
    tree = ast.parse(to_python("!ls \\\n  -la\n%time \\\n f()\nx = 1"))
    assert tree.body[-1].lineno == 5


@pytest.mark.parametrize("magic", ["time", "capture out", "prun -l 5", "step load -> df"])
def test_the_body_of_a_python_cell_magic_is_code(magic: str) -> None:
    body = python_body(f"%%{magic}\n\nx = f(y)\n%time z = x")
    assert body is not None
    tree = ast.parse(body)
    assert ast.unparse(tree.body[1]) == "x = f(y)"
    assert tree.body[1].lineno == 3


def test_cell_magics_nest() -> None:
    body = python_body("%%capture out\n%%time\nx = 1")
    assert body is not None
    assert ast.parse(body).body[-1].lineno == 3


def test_what_timeit_assigns_is_not_at_top_level() -> None:
    body = python_body("%%timeit a = b\nc = a\nd = c")
    assert body is not None
    assert [type(node) for node in ast.parse(body).body] == [ast.FunctionDef]


@pytest.mark.parametrize("magic", ["bash", "html", "writefile f.py", "sql", "javascript", "python3", "R"])
def test_a_cell_in_another_language_has_no_python_body(magic: str) -> None:
    assert python_body(f"%%{magic}\nx = 1") is None


def test_a_plain_cell_is_its_own_body() -> None:
    assert python_body("x = 1\ny = 2") == "x = 1\ny = 2"


def test_windows_line_ends_are_read() -> None:
    assert meaning(to_python("x = 1\r\n!ls\r\n")) == meaning("x = 1\nget_ipython().system('ls')\n")


@pytest.mark.parametrize("cell", ["x = 1", "%time x", "# c\n%%time\nx", "'%%time'", "%%time?\nx"])
def test_only_a_first_line_with_two_percent_signs_is_a_cell_magic(cell: str) -> None:
    assert cell_magic(cell) is None


def test_a_cell_magic_has_name_line_and_body() -> None:
    magic = cell_magic("\n%%step  load -> df \nx = 1\ny = 2")
    assert magic is not None
    assert (magic.name, magic.line, magic.body, magic.before) == ("step", " load -> df", "x = 1\ny = 2\n", 1)
