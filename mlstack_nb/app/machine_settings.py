"""What `settings=` of steps and pipelines means: resources and images, and what is kept for those who know it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from mlstack_nb.core.stack import Kind
from mlstack_nb.core.step import Resources
from mlstack_nb.errors import UsageError, nearest

_LIMITS = {"cpu_count": "cpu", "gpu_count": "nvidia.com/gpu", "memory": "memory"}
"""ZenML's words for what a step needs, and those that engines have."""
_IMAGES = ("parent_image", "image")
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTP]i?)B?", re.IGNORECASE)
_KINDS = {*(str(kind) for kind in Kind), "step_operator", "deployer"}


def read_settings(given: Any, *, of: str) -> dict[str, Any]:
    """`settings=` as plain data, each part a mapping; one that nobody here knows is kept and told.

    Raises UsageError for what is no mapping, a memory or a count that can not be.
    """
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise UsageError(f"{of} has settings={given!r}.", 'Give them by name: settings={"resources": {"cpu_count": 2}}')
    read = {name: _plain(part, f"{of} has settings[{name!r}]") for name, part in given.items()}
    for name in read:
        if name not in ("resources", "docker") and name.partition(".")[0] not in _KINDS:
            near = nearest(name, ("resources", "docker", *_KINDS))
            _tell(
                f"{of} has settings for {name!r}, which nothing here reads" + (f" (near: {near!r})." if near else ".")
            )
    resources_of(read, of=of)
    return read


def resources_of(settings: Mapping[str, Mapping[str, Any]], *, of: str) -> Resources:
    """What they ask of the machine."""
    limits: dict[str, str] = {}
    for name, value in settings.get("resources", {}).items():
        if value is None:
            continue
        if name in _LIMITS:
            limits[_LIMITS[name]] = _memory(value, of) if name == "memory" else _count(name, value, of)
        elif name == "resources" and isinstance(value, Mapping):
            limits |= {key: str(amount) for key, amount in value.items()}
        else:
            near = nearest(name, _LIMITS)
            _tell(
                f"{of} asks for the resource {name!r}, which nothing here reads"
                + (f" (near: {near!r})." if near else ".")
            )
    docker = settings.get("docker", {})
    return Resources(limits=limits, image=next((str(docker[name]) for name in _IMAGES if docker.get(name)), ""))


def _plain(part: Any, what: str) -> dict[str, Any]:
    if isinstance(part, Mapping):
        return dict(part)
    if hasattr(part, "model_dump"):
        return dict(part.model_dump(exclude_unset=True))
    if is_dataclass(part) and not isinstance(part, type):
        return {name: value for name, value in asdict(part).items() if value is not None}
    raise UsageError(f"{what} = {part!r}, which has no fields.", "Give a mapping.")


def _count(name: str, value: Any, of: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise UsageError(f"{of} has settings={{'resources': {{{name!r}: {value!r}}}}}.", f"Give a number: {name}=2")
    return f"{value:g}"


def _memory(value: Any, of: str) -> str:
    """In the words of Kubernetes: `4GB` is `4G`, `512MiB` is `512Mi`."""
    found = _MEMORY.fullmatch(str(value).strip())
    if found is None:
        raise UsageError(
            f"{of} has settings={{'resources': {{'memory': {value!r}}}}}.", 'Give a number with its unit: memory="4GB"'
        )
    unit = found[2][0].upper() + found[2][1:].lower()
    return f"{found[1]}{'k' if unit == 'K' else unit}"


def _tell(text: str) -> None:
    warnings.warn(f"{text} It is kept with the run.", UserWarning, stacklevel=2)
