"""Following imports into the project's own modules."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import pytest

from mlstack_nb.core.step import Fingerprint
from mlstack_nb.source.cell import parse
from mlstack_nb.source.fingerprint import of_cell
from mlstack_nb.source.reach import reach
from mlstack_nb.source.scope import NotebookScope

_numbers = itertools.count()
_times = itertools.count(10**18, 10**9)

FILES = {
    "__init__.py": "from .tools import clean as tidy\nfrom .stars import *\n",
    "tools.py": (
        "import numpy as np\nfrom . import deep\nfrom .deep.core import LIMIT, scale\n\n"
        "DEPTH = 3\nTABLE = {}\n\n"
        "def clean(x):\n    'Doc.'\n    return scale(x, DEPTH)\n\n"
        "def lazy(x):\n    from .deep import core\n    return core.scale(x, 1)\n\n"
        "def whole(x):\n    return getattr(deep.core, x)()\n\n"
        "def other(x):\n    return np.sum(x)\n\n"
        "def register(f):\n    TABLE[f.__name__] = f\n    return f\n\n"
        "@register\ndef plugin(): return 'plugin'\n\n"
        "def run(name): return TABLE[name]()\n\n"
        "made = [LIMIT]\nmade.append(4)\n\n"
        "class Net:\n    def forward(self): return other(1)\n"
    ),
    "stars.py": "__all__ = ['starry']\ndef starry(): return hidden()\ndef hidden(): return 1\n",
    "deep/__init__.py": "",
    "deep/core.py": "LIMIT = 10\ndef scale(x, y): return x * y\ndef unseen(): return 'unseen'\n",
    "sub/module.py": "def far(): return 'far'\n",
}


class Project:
    """A package on disk under a name of its own, so that tests do not see each other's."""

    def __init__(self, root: Path) -> None:
        self.name = f"project_{next(_numbers)}"
        self.folder = root / self.name
        for path, text in FILES.items():
            self.write(path, text)

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        moment = next(_times)
        os.utime(file, ns=(moment, moment))

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new))

    def fingerprint(self, code: str) -> Fingerprint:
        scope = NotebookScope()
        cell = parse(code.replace("pkg", self.name), label="step")
        return of_cell(cell, reach(cell, scope), scope)

    def parts(self, code: str) -> dict[str, str]:
        found = self.fingerprint(code).parts
        return {label.replace(self.name, "pkg"): part for label, part in found.items() if label != "python"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.syspath_prepend(tmp_path)
    return Project(tmp_path)


CLEAN = {
    "module pkg.tools: function clean",
    "module pkg.tools: constant DEPTH",
    "module pkg.tools: import scale",
    "module pkg.deep.core: function scale",
}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from pkg.tools import clean\nclean(1)", CLEAN),
        ("from pkg.tools import clean as c\nc(1)", CLEAN),
        ("import pkg.tools as t\nt.clean(1)", CLEAN),
        ("import pkg.tools\npkg.tools.clean(1)", CLEAN),
        ("from pkg import tools\ntools.clean(1)", CLEAN),
        ("from pkg import tidy\ntidy(1)", CLEAN),
        ("import pkg\npkg.tidy(1)", CLEAN),
        ("import pkg.tools as t\ngetattr(t, 'clean')(1)", CLEAN),
        ("def f():\n  from pkg.tools import clean\n  return clean(1)\nf()", {*CLEAN, "function f"}),
        ("%time from pkg.tools import clean\nclean(1)", CLEAN),
        (
            "from pkg.tools import lazy",
            {"module pkg.tools: function lazy", "module pkg.deep.core: function scale"},
        ),
        (
            "import pkg\npkg.starry()",
            {"module pkg.stars: function starry", "module pkg.stars: function hidden"},
        ),
        (
            "from pkg.tools import other",
            {"module pkg.tools: function other", "module pkg.tools: import np", "package numpy"},
        ),
        (
            "from pkg.tools import Net",
            {
                "module pkg.tools: class Net",
                "module pkg.tools: function other",
                "module pkg.tools: import np",
                "package numpy",
            },
        ),
        ("from pkg.tools import DEPTH", {"module pkg.tools: constant DEPTH"}),
        (
            "from pkg.tools import made",
            {"module pkg.tools: value made", "module pkg.tools: import LIMIT", "module pkg.deep.core: constant LIMIT"},
        ),
        (
            "from pkg.tools import run",
            {
                "module pkg.tools: function run",
                "module pkg.tools: value TABLE",
                "module pkg.tools: function plugin",
                "module pkg.tools: function register",
            },
        ),
        (
            "from pkg.tools import whole",
            {"module pkg.tools: function whole", "module pkg.tools: import deep", "module pkg.deep.core"},
        ),
        ("from pkg.deep import core\nprint(core)", {"module pkg.deep.core"}),
        ("from pkg.deep import core\ngetattr(core, name)", {"module pkg.deep.core"}),
        ("import pkg.deep.core", {"module pkg.deep.core"}),
        ("from pkg.deep.core import *\nscale(1)", {"module pkg.deep.core"}),
        ("from pkg.deep.core import nothing", {"module pkg.deep.core"}),
        ("from pkg.sub.module import far", {"module pkg.sub.module: function far"}),
        ("import pkg.sub.module as m\nm.far()", {"module pkg.sub.module: function far"}),
    ],
)
def test_a_use_of_a_module_leads_to_what_it_reaches_there(project: Project, code: str, expected: set[str]) -> None:
    assert set(project.parts(code)) - {"body"} == expected


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        ("tools.py", "scale(x, DEPTH)", "scale(DEPTH, x)", {"module pkg.tools: function clean"}),
        ("tools.py", "DEPTH = 3", "DEPTH = 4", {"module pkg.tools: constant DEPTH"}),
        ("tools.py", "DEPTH = 3", "DEPTH = True", {"module pkg.tools: constant DEPTH"}),
        ("deep/core.py", "x * y", "x + y", {"module pkg.deep.core: function scale"}),
        ("tools.py", "'Doc.'", "'More.'", set()),
        ("tools.py", "DEPTH = 3", "# deep\nDEPTH = 3", set()),
        ("tools.py", "np.sum", "np.mean", set()),
        ("deep/core.py", "'unseen'", "'seen'", set()),
        ("deep/core.py", "LIMIT = 10", "LIMIT = 11", set()),
        ("stars.py", "return 1", "return 2", set()),
    ],
)
def test_an_edit_on_disk_changes_exactly_what_it_touches(
    project: Project, path: str, old: str, new: str, expected: set[str]
) -> None:
    code = "from pkg.tools import clean\nclean(1)"
    before = project.parts(code)
    project.edit(path, old, new)
    after = project.parts(code)
    assert {label for label in {**before, **after} if before.get(label) != after.get(label)} == expected


def test_an_edit_is_seen_without_a_change_of_the_scope(project: Project) -> None:
    scope = NotebookScope()
    scope.add(parse(f"from {project.name}.tools import clean", label="In[1]"))
    cell = parse("clean(1)", label="step")
    before = of_cell(cell, reach(cell, scope), scope)
    assert of_cell(cell, reach(cell, scope), scope) is before
    project.edit("deep/core.py", "x * y", "x / y")
    assert of_cell(cell, reach(cell, scope), scope).digest != before.digest
    project.edit("deep/core.py", "x / y", "x * y")
    assert of_cell(cell, reach(cell, scope), scope).digest == before.digest


def test_uses_by_a_helper_and_by_the_step_both_count(project: Project) -> None:
    parts = project.parts("import pkg.tools as t\ndef f(): return t.clean(1)\nt.lazy(f())")
    assert {"module pkg.tools: function clean", "module pkg.tools: function lazy"} <= set(parts)
    scope = NotebookScope()
    scope.add(parse(f"import {project.name}.tools as t\ndef f(): return t.clean(1)", label="In[1]"))
    cell = parse("t.lazy(f())", label="step")
    found = of_cell(cell, reach(cell, scope), scope)
    assert {f"module {project.name}.tools: function {name}" for name in ("clean", "lazy")} <= set(found.parts)


def test_a_module_that_is_gone_is_seen(project: Project) -> None:
    code = "from pkg.sub.module import far"
    before = project.parts(code)
    (project.folder / "sub/module.py").unlink()
    assert project.parts(code) != before


def test_modules_that_import_each_other_come_to_an_end(project: Project) -> None:
    project.write("a.py", "from .b import g\ndef f(): return g()\n")
    project.write("b.py", "from . import a\ndef g(): return a.f()\n")
    assert {"module pkg.a: function f", "module pkg.b: function g"} <= set(project.parts("from pkg.a import f"))


def test_a_module_in_a_package_folder_counts_by_version_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    name = f"installed_{next(_numbers)}"
    (site / f"{name}.py").write_text("x = 1")
    scope, cell = NotebookScope(), parse(f"import {name}", label="step")
    unversioned = of_cell(cell, reach(cell, scope), scope).parts[f"package {name}"]
    (site / f"{name}-1.5.dist-info").mkdir()
    os.utime(site, ns=(next(_times), next(_times)))
    parts = of_cell(cell, reach(cell, scope), scope).parts
    assert unversioned.startswith("unversioned ")
    assert parts[f"package {name.replace('_', '-')}"] == "1.5"


def test_nothing_is_imported_on_the_way(project: Project) -> None:
    project.write("explosive.py", "import sys\nsys.exit('imported')\ndef f(): return 1\n")
    project.parts("from pkg.explosive import f\nf()")
    assert not [name for name in sys.modules if name.startswith(project.name)]


def test_the_parts_of_a_module_have_their_source(project: Project) -> None:
    sources = project.fingerprint("from pkg.tools import clean, whole\ny = clean(1), whole('f')").sources
    module = f"module {project.name}"
    assert sources[f"{module}.tools: function clean"] == "def clean(x):\n    'Doc.'\n    return scale(x, DEPTH)"
    assert sources[f"{module}.tools: constant DEPTH"] == "DEPTH = 3"
    assert sources[f"{module}.deep.core"] == FILES["deep/core.py"]
