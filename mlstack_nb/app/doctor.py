"""Checking an installation and a workspace: what works, what does not, and what to do about it."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from mlstack_nb.app.configuration import validated
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.stack import Component
from mlstack_nb.errors import MlstackError
from mlstack_nb.flavors import registry

DISTRIBUTION = "mlstack-nb"
LAB_EXTENSION = "mlstack-nb"
OLDEST_PYTHON = (3, 11)
LITTLE_SPACE_BYTES = 1_000_000_000
NO_SPACE_BYTES = 100_000_000


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """`detail` is what was found, `hint` what to do about it."""

    name: str
    verdict: Verdict
    detail: str
    hint: str = ""


def examine(find: Callable[[], Workspace] = Workspace.find) -> list[Check]:
    """Every check, in the order a person would make them. Makes the workspace when it is not there yet."""
    checks = [_python(), *_packages(), _drawing(), _lab_ui()]
    try:
        workspace = find()
    except MlstackError as error:
        return [*checks, _failed("workspace", error)]
    checks += [_attempt("workspace", lambda: _writable(workspace)), _attempt("disk", lambda: _disk(workspace))]
    checks.append(_attempt("catalog", lambda: f"{workspace.catalog.place}, schema {workspace.catalog.version()}"))
    return [*checks, *_stack(workspace)]


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Check("python", Verdict.OK, found)
    return Check("python", Verdict.FAIL, found, "Use Python 3.11 or newer.")


def _packages() -> Iterator[Check]:
    try:
        own = metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        yield Check(DISTRIBUTION, Verdict.WARN, "runs from its sources, not installed", "Run: pip install -e .")
        return
    yield Check(DISTRIBUTION, Verdict.OK, own)
    for package in _requirements(""):
        yield _package(package, f"pip install {package}")


def _package(package: str, install: str) -> Check:
    try:
        return Check(package, Verdict.OK, metadata.version(package))
    except metadata.PackageNotFoundError:
        return Check(package, Verdict.FAIL, "not installed", f"Run: {install}")


def _requirements(extra: str) -> list[str]:
    """The distributions that this one asks for, for an extra, or without any."""
    found = []
    for line in metadata.requires(DISTRIBUTION) or ():
        wanted = re.search(r"""extra\s*==\s*['"]([^'"]+)['"]""", line)
        name = re.match(r"[A-Za-z0-9._-]+", line)
        if name and name.group() != DISTRIBUTION and (wanted.group(1) if wanted else "") == extra:
            found.append(name.group())
    return found


def _drawing() -> Check:
    if shutil.which("dot"):
        return Check("dot", Verdict.OK, "graphs are laid out by graphviz")
    hint = "For graphs laid out by graphviz, install it (apt install graphviz, brew install graphviz)."
    return Check("dot", Verdict.WARN, "not installed; graphs are drawn in a simpler layout", hint)


def _lab_ui() -> Check:
    from jupyter_core.paths import jupyter_path

    if any(Path(folder, LAB_EXTENSION, "package.json").is_file() for folder in jupyter_path("labextensions")):
        return Check("lab", Verdict.OK, "Lab UI installed")
    hint = f"Install a wheel of {DISTRIBUTION}, or Node.js 20 and then {DISTRIBUTION} again. Nothing else needs it."
    return Check("lab", Verdict.WARN, "Lab UI not installed", hint)


def _writable(workspace: Workspace) -> str:
    workspace.ensure()
    with tempfile.TemporaryFile(dir=workspace.root):
        return f"{workspace.root}, writable"


def _disk(workspace: Workspace) -> Check:
    free = shutil.disk_usage(workspace.root).free
    detail = f"{free / 1e9:.1f} GB free"
    if free >= LITTLE_SPACE_BYTES:
        return Check("disk", Verdict.OK, detail)
    verdict = Verdict.WARN if free >= NO_SPACE_BYTES else Verdict.FAIL
    return Check("disk", verdict, detail, f"Free some space on the disk of {workspace.root}.")


def _stack(workspace: Workspace) -> Iterator[Check]:
    try:
        name, source = workspace.active_stack_name()
        stack = workspace.active_stack()
        from mlstack_nb.app.stacks import check_complete  # needs packages that may be what is missing

        check_complete(name, [component.kind for component in stack.components])
    except MlstackError as error:
        yield _failed("stack", error)
        return
    yield Check("stack", Verdict.OK, f"{name}, named by {source}")
    for component in stack.components:
        yield from check_component(component, workspace)


def check_component(component: Component, workspace: Workspace) -> list[Check]:
    """Whether its configuration fits its flavor, and what its flavor needs is installed; no service is reached."""
    from mlstack_nb.app.secrets import SecretSource  # needs packages that may be what is missing

    name = f"{component.kind} {component.name}"
    try:
        validated(
            component.kind,
            component.name,
            flavor=component.flavor,
            configuration=component.configuration,
            source=SecretSource(workspace),
        )
        extra = registry().row(component.kind, component.flavor).extra
    except MlstackError as error:
        return [_failed(name, error)]
    return missing_packages(extra) or [Check(name, Verdict.OK, f"flavor {component.flavor}")]


def missing_packages(extra: str) -> list[Check]:
    """What an extra of this distribution asks for and is not installed."""
    return [check for check in map(_needed(extra), _extra_requirements(extra)) if check.verdict is Verdict.FAIL]


def install_line(extra: str) -> str:
    return f'pip install "{DISTRIBUTION}[{extra}]"'


def _needed(extra: str) -> Callable[[str], Check]:
    return lambda package: _package(package, install_line(extra))


def _extra_requirements(extra: str) -> list[str]:
    try:
        return _requirements(extra) if extra else []
    except metadata.PackageNotFoundError:
        return []


def _attempt(name: str, check: Callable[[], str | Check]) -> Check:
    try:
        found = check()
    except MlstackError as error:
        return _failed(name, error)
    except OSError as error:
        return Check(name, Verdict.FAIL, str(error), "Make the folder writable, or set MLSTACK_WORKSPACE to another.")
    return found if isinstance(found, Check) else Check(name, Verdict.OK, found)


def _failed(name: str, error: MlstackError) -> Check:
    return Check(name, Verdict.FAIL, error.what, error.hint)
