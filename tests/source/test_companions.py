"""What counts with a definition though it is not named there."""

from __future__ import annotations

import pytest

from mlstack_nb.source.cell import parse
from mlstack_nb.source.companions import companions
from mlstack_nb.source.scope import NotebookScope


def scope_of(text: str) -> NotebookScope:
    scope = NotebookScope()
    scope.add(parse(text, label="In[1]"))
    return scope


REGISTRY = "TABLE = {}\ndef register(name):\n  def keep(f):\n    TABLE[name] = f\n    return f\n  return keep\n"


@pytest.mark.parametrize(
    ("text", "name", "companion"),
    [
        (REGISTRY + "@register('a')\ndef a(): ...", "TABLE", "a"),
        (REGISTRY + "register('a')(len)", "TABLE", "register('a')(len)"),
        (REGISTRY + "register('a')", "TABLE", "register('a')"),
        ("T = []\ndef put(x): T.append(x)\ndef also(x): put(x)\nalso(1)", "T", "also(1)"),
        ("class B:\n  def __init_subclass__(cls): ...\nclass C(B): ...", "B", "C"),
        ("class M(type): ...\nclass B(metaclass=M): ...\nclass C(B): ...", "B", "C"),
        ("class B(metaclass=ABCMeta): ...\nclass C(B): ...", "B", None),
        ("def deco(f): return f\n@deco\ndef a(): ...", "deco", None),
    ],
)
def test_what_registers_itself_in_a_name_is_its_companion(text: str, name: str, companion: str | None) -> None:
    scope = scope_of(text)
    definition = scope.lookup(name)
    assert definition is not None
    assert [one.name for one in companions(definition, scope)] == ([companion] if companion else [])


@pytest.mark.parametrize(
    ("text", "name", "counts"),
    [
        ("class C:\n  @classmethod\n  def put(cls, x): cls.x = x\nC.put(1)", "C", True),
        ("class B:\n  @classmethod\n  def put(cls, x): cls.x = x\nclass C(B): ...\nC.put(1)", "C", True),
        ("class C:\n  @classmethod\n  def show(cls): print(cls)\nC.show()", "C", False),
        ("class C:\n  n = 0\n  def grow(self): C.n += 1\nC().grow()", "C", True),
        ("import numpy as np\nnp.random.seed(1)", "np", True),
        ("import numpy as np\nif True:\n  np.random.seed(1)", "np", True),
        ("import pandas as pd\npd.set_option('a', 1)", "pd", True),
        ("import pandas as pd\npd.read_csv('a')", "pd", False),
        ("import matplotlib.pyplot as plt\nplt.plot([1])", "plt", False),
        ("n = 0\ndef grow():\n  global n\n  n = 1\nx = grow()", "n", True),
    ],
)
def test_a_call_counts_when_it_changes_what_it_is_called_on(text: str, name: str, counts: bool) -> None:
    scope = scope_of(text)
    definition = scope.lookup(name)
    assert definition is not None
    assert bool(companions(definition, scope)) is counts
