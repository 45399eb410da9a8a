"""What differs between two runs of one step, most telling first."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlstack_nb.core.run import State, StepRun

SHORT = 60
_LABEL = re.compile(
    r"(?:module (?P<module>\S+): )?(?P<kind>function|class|constant|import|value|statement) (?P<name>.*)"
)
_SINGLE = {"body": "the body", "python": "python", "returns": "what is returned"}
_LIVE = re.compile(r"(?P<kind>closure|global|value) (?P<name>\S+)(?: now)?")
_CONTENT = re.compile(r"(?P<kind>content of|file|module) (?P<name>.*)")
# most telling first; kinds of the same line of code stand together
_ORDER = (
    "body returns function class constant import value statement closure global module parameter content file input "
    "outputs package python other"
).split()


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why a step ran or did not. `text` says it all; the other fields are for programs.

    `before` and `after` are values, versions or digests, None where there was or is none; `diff` is a unified one.
    """

    kind: str
    name: str
    text: str
    before: Any = None
    after: Any = None
    diff: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "text": self.text,
            "before": self.before,
            "after": self.after,
            "diff": self.diff,
        }


@dataclass(frozen=True, slots=True)
class Side:
    """A step run with the source of its parts, and the steps that its inputs came from with what they did."""

    run: StepRun
    sources: Mapping[str, str]
    producers: Mapping[str, str]
    states: Mapping[str, State]


def differences(before: Side, after: Side) -> list[Finding]:
    found = [*_parts(before, after), *_parameters(before.run, after.run), *_inputs(before, after)]
    found += _outputs(before.run, after.run)
    return sorted(found, key=lambda one: (_ORDER.index(one.kind), None in (one.before, one.after), one.name))


def _parts(before: Side, after: Side) -> Iterator[Finding]:
    old, new = before.run.fingerprint, after.run.fingerprint
    for label in dict.fromkeys([*new, *old]):
        if old.get(label) != new.get(label):
            kind, name, called = _told(label)
            was, now = old.get(label), new.get(label)
            diff = _diff(label, before, after) if was and now else ""
            yield Finding(kind, name, _sentence(kind, called, was, now), was, now, diff)


def _told(label: str) -> tuple[str, str, str]:
    """A part's kind and name, and how it is called in a sentence."""
    if label in _SINGLE:
        return label, label, _SINGLE[label]
    label = label.removeprefix("own ")
    if label.startswith("package "):
        name = label.removeprefix("package ")
        return "package", name, name
    live = _LIVE.fullmatch(label)
    if live and (live["kind"] != "value" or label.endswith(" now")):
        called = {"closure": "closure variable", "global": "global", "value": "the value of"}[live["kind"]]
        return live["kind"], live["name"], f"{called} `{live['name']}`"
    code = _LABEL.fullmatch(label)
    if code:
        of = f" of module {code['module']}" if code["module"] else ""
        name = f"{code['module']}.{code['name']}" if code["module"] else code["name"]
        return code["kind"], name, f"{code['kind']} `{code['name']}`{of}"
    content = _CONTENT.fullmatch(label)
    if content:
        kind = content["kind"].partition(" ")[0]
        called = {"content": "the content of", "file": "file", "module": "module"}[kind]
        return kind, content["name"], f"{called} `{content['name']}`"
    return "other", label, label


def _sentence(kind: str, called: str, was: str | None, now: str | None) -> str:
    is_version = kind in ("package", "python")
    if was is None:
        return f"{called} {now} is used now" if is_version else f"{called} is used now"
    if now is None:
        return f"{called} is no longer used"
    if is_version and not (was.startswith("unversioned") or now.startswith("unversioned")):
        return f"{called} {was} -> {now}"
    return f"{called} changed"


def _diff(label: str, before: Side, after: Side) -> str:
    """Empty where either source is not known."""
    if label not in before.sources or label not in after.sources:
        return ""
    lines = difflib.unified_diff(
        before.sources[label].splitlines(),
        after.sources[label].splitlines(),
        f"{label} (run {before.run.run_id})",
        f"{label} (run {after.run.run_id})" if after.run.run_id else f"{label} (now)",
        lineterm="",
    )
    return "\n".join(lines)


def _parameters(before: StepRun, after: StepRun) -> Iterator[Finding]:
    old, new = _plain(before.parameters), _plain(after.parameters)
    for name in dict.fromkeys([*new, *old]):
        was, now = old.get(name), new.get(name)
        if name not in old:
            yield Finding("parameter", name, f"parameter {name}={_short(now)} is read now", None, now)
        elif name not in new:
            yield Finding("parameter", name, f"parameter {name} is no longer read", was, None)
        elif json.dumps(was) != json.dumps(now):
            shown = f"{_short(was)} -> {_short(now)}"
            text = f"parameter {name} " + (shown if _short(was) != _short(now) else "changed")
            yield Finding("parameter", name, text, was, now)


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """As the catalog has them: what is no plain data is told by its repr."""
    found: dict[str, Any] = json.loads(json.dumps(dict(parameters), default=repr))
    return found


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"


def _inputs(before: Side, after: Side) -> Iterator[Finding]:
    old, new = before.run.inputs, after.run.inputs
    for name in dict.fromkeys([*new, *old]):
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        producer = (after if now else before).producers.get(name)
        origin = f"from step `{producer}`" if producer else "from an ordinary cell"
        if was is None:
            text = f"input `{name}` {origin} is read now"
        elif now is None:
            text = f"input `{name}` {origin} is no longer read"
        else:
            text = f"input `{name}` changed content, {origin}{_rerun(producer, after)}"
        yield Finding("input", name, text, was, now)


def _rerun(producer: str | None, side: Side) -> str:
    state = side.states.get(producer or "")
    if state is State.COMPLETED:
        return ", which ran again"
    return ", which came from the cache" if state is State.CACHED else ""


def _outputs(before: StepRun, after: StepRun) -> Iterator[Finding]:
    """Only of runs that ended well are the outputs known."""
    if before.state.is_good and after.state.is_good and sorted(before.outputs) != sorted(after.outputs):
        was, now = sorted(before.outputs), sorted(after.outputs)
        yield Finding("outputs", "outputs", f"outputs changed: {', '.join(was)} -> {', '.join(now)}", was, now)
