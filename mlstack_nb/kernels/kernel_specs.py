"""Which kernel runs a notebook, and whether a fork of the template can be that kernel."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.errors import KernelLanguageError, KernelMissingError, nearest

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec

DEFAULT = "python3"
LAUNCHERS = {"ipykernel_launcher", "ipykernel"}
# Read when Python starts or when a library is loaded, so that a fork of a process that had other values will not do.
READ_AT_START = (
    "PYTHON",
    "LD_",
    "LC_",
    "LANG",
    "OMP_",
    "OPENBLAS_",
    "MKL_",
    "NUMEXPR_",
    "MPL",
    "ARROW_",
    "MLSTACK_COMPAT",
)


def named(document: Mapping[str, Any], kernel: str | None) -> str:
    """The name of the kernel to run `document` in: the one asked for, else the notebook's own, else Python's."""
    return kernel or document.get("metadata", {}).get("kernelspec", {}).get("name") or DEFAULT


def found(name: str) -> KernelSpec:
    """Raises KernelMissingError, with the names of those there are."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    specs = KernelSpecManager()
    try:
        return specs.get_kernel_spec(name)
    except NoSuchKernel as error:
        known = sorted(specs.find_kernel_specs())
        listed = ", ".join(repr(other) for other in known) or "none"
        near = nearest(name, known)
        choice = f"Choose {near or known[0]!r}, or install it" if known else "Install it"
        install = f"python -m ipykernel install --user --name {name}"
        raise KernelMissingError(
            f"No kernel is called {name!r}. Installed: {listed}.", f"{choice} from its own environment: `{install}`."
        ) from error


def check_language(document: Mapping[str, Any], name: str, spec: KernelSpec) -> None:
    """Raises KernelLanguageError when the notebook says that it is written in another language."""
    metadata = document.get("metadata", {})
    language = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get("language")
    if language and spec.language and language.lower() != spec.language.lower():
        own = metadata.get("kernelspec", {}).get("name")
        raise KernelLanguageError(
            f"The kernel {name!r} runs {spec.language}, and the notebook is written in {language}.",
            f"Leave the kernel out, so that the notebook's own, {own!r}, runs it."
            if own and own != name
            else f"Choose a kernel for {language}; `jupyter kernelspec list` shows those there are.",
        )


def python_of(argv: Sequence[str]) -> str | None:
    """The interpreter that a spec's command runs ipykernel with; None for any other kernel."""
    try:
        at = argv.index("-m")
    except ValueError:
        return None
    return argv[0] if argv[at + 1 : at + 2] and argv[at + 1] in LAUNCHERS else None


def launcher_arguments(argv: Sequence[str]) -> list[str] | None:
    """What a fork needs of a kernel's command, when it runs ipykernel in this interpreter, without other options."""
    python = python_of(argv)
    options = argv[1 : argv.index("-m")] if python else []
    if python is None or not _is_this(python) or set(options) - {"-Xfrozen_modules=off"}:
        return None
    return [*argv[argv.index("-m") + 1 :]]


def can_fork(cwd: Path, env: Mapping[str, str], at_start: Mapping[str, str], loaded: Sequence[str]) -> bool:
    """Whether a fork of a process that began with the environment `at_start`, and has imported `loaded`, will do.

    It will not where libraries or Python itself would read something else, or the folder has modules of those names.
    """
    if sys.platform != "linux":  # a fork that goes on without exec breaks the system's own libraries elsewhere
        return False
    names = {name for name in (*env, *at_start) if name.startswith(READ_AT_START)}
    if any(env.get(name) != at_start.get(name) for name in names):
        return False
    packages = {name.partition(".")[0] for name in loaded} - {"mlstack_nb"}
    return not any((cwd / name).exists() or (cwd / f"{name}.py").exists() for name in packages)


def _is_this(python: str) -> bool:
    """Whether that is the interpreter of this environment; two environments' may well be one file."""
    if os.sep not in python:
        return False
    try:
        own, other = Path(sys.executable), Path(python)
        return other.parent.resolve() == own.parent.resolve() and other.samefile(own)
    except OSError:
        return False
