"""Packages that flavors need, as the extras of this distribution: listed, installed and taken out."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.doctor import DISTRIBUTION, install_line
from mlstack_nb.errors import ConfigError, NotFoundError
from mlstack_nb.flavors import registry

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_FOR_DEVELOPMENT = "test"


@dataclass(frozen=True, slots=True)
class Package:
    """`requirement` is what is asked for (`mlflow>=3.10`), `version` what is installed, "" for nothing that fits."""

    name: str
    requirement: str
    version: str


@dataclass(frozen=True, slots=True)
class Integration:
    """An extra with its packages; `flavors` are what needs it, as `kind flavor`."""

    name: str
    packages: tuple[Package, ...]
    flavors: tuple[str, ...]

    @property
    def is_installed(self) -> bool:
        return all(package.version for package in self.packages)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "installed": self.is_installed,
            "packages": [
                {"name": one.name, "requirement": one.requirement, "version": one.version or None}
                for one in self.packages
            ],
            "flavors": list(self.flavors),
            "install": install_line(self.name),
        }


@dataclass(frozen=True, slots=True)
class Removal:
    """`packages` can go; `kept` maps those that stay to who else needs them."""

    packages: tuple[str, ...]
    kept: Mapping[str, str]


def integrations() -> list[Integration]:
    """All, by name. Raises ConfigError where this package is not installed, but runs from its sources."""
    needs = _needs_by_extra()
    flavors: dict[str, list[str]] = {}
    for (kind, flavor), row in sorted(registry().rows.items()):
        flavors.setdefault(row.extra, []).append(f"{kind} {flavor}")
    return [
        Integration(name, tuple(map(_package, needs[name])), tuple(flavors.get(name, ())))
        for name in sorted(needs)
        if name not in ("", _FOR_DEVELOPMENT)
    ]


def chosen(names: Iterable[str]) -> list[Integration]:
    """Raises NotFoundError with the nearest name."""
    known = {one.name: one for one in integrations()}
    found = []
    for name in names:
        if name not in known:
            raise NotFoundError.of("integration", name, known, f"Integrations: {', '.join(known)}.")
        found.append(known[name])
    return found


def missing(wanted: Iterable[Integration]) -> list[str]:
    """The requirements of these that are not met, each once."""
    return list(dict.fromkeys(one.requirement for each in wanted for one in each.packages if not one.version))


def install(requirements: Iterable[str]) -> None:
    """Run pip in this environment, which says what it does. Raises ConfigError when it fails."""
    wanted = list(requirements)
    _run(["install", *wanted], "pip install " + " ".join(f'"{one}"' for one in wanted))


def removal(wanted: Iterable[Integration]) -> Removal:
    """What can go when these are not wanted any more: not what this package or anything else installed needs."""
    wanted = list(wanted)
    names = {one.name for one in wanted}
    others = [one for one in integrations() if one.name not in names and one.is_installed]
    needed = {_canonical(one.name): "mlstack-nb" for one in _needs_by_extra()[""]}
    needed |= {_canonical(one.name): f"integration {other.name}" for other in others for one in other.packages}
    installed = {_canonical(one.name): one.name for each in wanted for one in each.packages if one.version}
    for package, user in _users(installed):
        needed.setdefault(package, user)
    kept = {name: needed[key] for key, name in installed.items() if key in needed}
    return Removal(tuple(name for key, name in installed.items() if key not in needed), kept)


def uninstall(packages: Iterable[str]) -> None:
    """Run pip in this environment. Raises ConfigError when it fails."""
    names = list(packages)
    _run(["uninstall", *names], "pip uninstall " + " ".join(names))


def _needs_by_extra() -> dict[str, list[Requirement]]:
    """Extra -> what it asks for, "" for what is always needed; an extra in an extra is taken apart."""
    from packaging.requirements import Requirement

    try:
        found = metadata.metadata(DISTRIBUTION)
    except metadata.PackageNotFoundError as error:
        raise ConfigError(
            "mlstack-nb is not installed here, but runs from its sources.", "Run: pip install -e ."
        ) from (error)
    requirements = [Requirement(line) for line in metadata.requires(DISTRIBUTION) or ()]
    extras = found.get_all("Provides-Extra") or []
    direct = {extra: [one for one in requirements if _applies(one, extra)] for extra in ("", *extras)}
    always = {str(one) for one in direct[""]}
    return {extra: _flat(extra, direct, always if extra else set()) for extra in direct}


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker.evaluate({"extra": extra}) if requirement.marker is not None else True


def _flat(extra: str, direct: Mapping[str, list[Requirement]], always: set[str]) -> list[Requirement]:
    found: dict[str, Requirement] = {}
    for one in direct[extra]:
        if str(one) in always:
            continue
        inner = one.extras if _canonical(one.name) == DISTRIBUTION else ()
        for each in [one] if not inner else [need for name in sorted(inner) for need in _flat(name, direct, always)]:
            found.setdefault(_canonical(each.name), each)
    return list(found.values())


def _package(requirement: Requirement) -> Package:
    wanted = f"{requirement.name}{requirement.specifier}"
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        version = ""
    fits = bool(version) and requirement.specifier.contains(version, prereleases=True)
    return Package(requirement.name, wanted, version if fits else "")


def _users(packages: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Package and the name of an installed distribution that needs it, other than this one and themselves."""
    from packaging.requirements import InvalidRequirement, Requirement

    packages = set(packages)
    for distribution in metadata.distributions():
        (user, *_) = distribution.metadata.get_all("Name") or [""]  # one that is damaged may have none
        if _canonical(user) in packages | {DISTRIBUTION}:
            continue
        for line in distribution.requires or ():
            try:
                one = Requirement(line)
            except InvalidRequirement:  # of long ago
                continue
            if _canonical(one.name) in packages and _applies(one, ""):
                yield _canonical(one.name), user


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _run(words: list[str], line: str) -> None:
    """Call pip of this environment, or uv where there is none; what it prints goes to the terminal."""
    from importlib.util import find_spec

    uv = shutil.which("uv")
    if find_spec("pip") is not None:
        yes = ["--yes"] if words[0] == "uninstall" else []
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", words[0], *yes, *words[1:]]
    elif uv is not None:
        command = [uv, "pip", words[0], "--python", sys.executable, *words[1:]]
    else:
        raise ConfigError("This environment has no pip.", f"Install what is missing by your own means: {line}")
    code = subprocess.run(command, check=False).returncode  # noqa: S603 - no shell
    if code:
        raise ConfigError(f"pip ended with exit code {code}.", f"See what it says above; the line was: {line}")
