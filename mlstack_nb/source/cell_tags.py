"""The tags of a cell that make it a part of a pipeline: Kale's grammar, and papermill's `parameters`.

A tag of another tool says nothing here. One that begins like a tag of this grammar but does not fit it is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from mlstack_nb.core.step import Resources
from mlstack_nb.errors import UsageError


class Role(StrEnum):
    """What a cell is by its tags. Cells without a role go on with what stands above them."""

    NONE = ""
    SKIP = "skip"
    IMPORTS = "imports"
    FUNCTIONS = "functions"
    PARAMETERS = "parameters"
    METRICS = "pipeline-metrics"
    STEP = "step"


@dataclass(frozen=True, slots=True)
class CellTags:
    """`cache` and `report` are None where no tag says so; `foreign` are the tags of other tools."""

    role: Role = Role.NONE
    step: str = ""
    after: tuple[str, ...] = ()
    resources: Resources = field(default_factory=Resources)
    cache: bool | None = None
    report: bool | None = None
    foreign: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the tags say nothing of how a step runs."""
        return self.resources == Resources() and self.cache is None and self.report is None

    def over(self, base: CellTags) -> CellTags:
        """These tags, and what those of `base` say besides."""
        mine, theirs = self.resources, base.resources
        resources = Resources(
            limits={**theirs.limits, **mine.limits},
            labels={**theirs.labels, **mine.labels},
            annotations={**theirs.annotations, **mine.annotations},
            secrets={**theirs.secrets, **mine.secrets},
            image=mine.image or theirs.image,
        )
        return replace(
            self,
            after=tuple(dict.fromkeys((*base.after, *self.after))),
            resources=resources,
            cache=base.cache if self.cache is None else self.cache,
            report=base.report if self.report is None else self.report,
        )


# The first of these on a cell decides, and the cell's other tags are not looked at.
_SPECIAL = {
    "skip": Role.SKIP,
    "imports": Role.IMPORTS,
    "functions": Role.FUNCTIONS,
    "pipeline-parameters": Role.PARAMETERS,
    "parameters": Role.PARAMETERS,
    "injected-parameters": Role.PARAMETERS,
    "pipeline-metrics": Role.METRICS,
}
_SEGMENT = r"[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?"
_KEY = rf"({_SEGMENT}(?:/{_SEGMENT})?)"
_NAME = r"([_a-z][_a-z0-9]*)"
_GRAMMAR = {
    word: (re.compile(pattern), form)
    for word, pattern, form in (
        ("step", rf"{_NAME}?", "step:NAME, with a NAME of a-z, 0-9 and _"),
        ("block", rf"{_NAME}?", "step:NAME, with a NAME of a-z, 0-9 and _"),
        ("prev", _NAME, "prev:NAME, with the NAME of a step above"),
        ("annotation", rf"{_KEY}:(.*)", "annotation:KEY:VALUE"),
        ("label", rf"{_KEY}:(.*)", "label:KEY:VALUE"),
        ("limit", r"([_a-z\-./]+):([_a-zA-Z0-9.]+)", "limit:RESOURCE:AMOUNT, such as limit:memory:4Gi"),
        ("secret", r"([^:]+):([^:]+):([^:]+)", "secret:SECRET:KEY:VARIABLE"),
        ("image", r"(.+)", "image:REFERENCE"),
        ("cache", r"(enabled|disabled)", "cache:enabled or cache:disabled"),
        ("report", r"(enabled|disabled)", "report:enabled or report:disabled"),
    )
}


def parse_tags(tags: Iterable[str], *, where: str) -> CellTags:
    """What the tags say. `where` names the cell (`cell 3`) in messages.

    Raises UsageError for a tag of the grammar that is written wrongly, and for two steps on one cell.
    """
    tags = tuple(tags)
    special = next((_SPECIAL[tag] for tag in tags if tag in _SPECIAL), None)
    if special is not None:
        return CellTags(special, foreign=tuple(tag for tag in tags if not _is_ours(tag)))
    steps: dict[str, None] = {}
    after: dict[str, None] = {}
    mappings: dict[str, dict[str, str]] = {"annotation": {}, "label": {}, "limit": {}}
    secrets: dict[str, tuple[str, str]] = {}
    single: dict[str, str] = {}
    for tag in filter(_is_ours, tags):
        word, parts = _parts(tag, where)
        if word in ("step", "block"):
            steps |= {name: None for name in parts if name}
        elif word == "prev":
            after[parts[0]] = None
        elif word in mappings:
            mappings[word][parts[0]] = parts[1]
        elif word == "secret":
            secrets[parts[2]] = parts[0], parts[1]
        else:
            single[word] = parts[0]
    _check_steps(tuple(steps), tuple(after), where)
    return CellTags(
        role=Role.STEP if steps else Role.NONE,
        step=next(iter(steps), ""),
        after=tuple(after),
        resources=Resources(
            limits=mappings["limit"],
            labels=mappings["label"],
            annotations=mappings["annotation"],
            secrets=secrets,
            image=single.get("image", ""),
        ),
        cache=single["cache"] == "enabled" if "cache" in single else None,
        report=single["report"] == "enabled" if "report" in single else None,
        foreign=tuple(tag for tag in tags if not _is_ours(tag)),
    )


def _is_ours(tag: str) -> bool:
    return tag in _SPECIAL or (tag.partition(":")[0] in (*_GRAMMAR, "notebook") and ":" in tag)


def _parts(tag: str, where: str) -> tuple[str, tuple[str, ...]]:
    word, _, rest = tag.partition(":")
    if word == "notebook":
        raise UsageError(
            f"The tag {tag!r} of {where} makes another notebook a step, which is not known here.",
            "Run that notebook as a pipeline of its own, or move its cells here.",
        )
    pattern, form = _GRAMMAR[word]
    found = pattern.fullmatch(rest)
    if found is None:
        proper = re.sub(r"\W+", "_", rest.strip().lower())
        fixed = f"{word}:{proper}"
        if word in ("step", "block", "prev") and _GRAMMAR["prev"][0].fullmatch(proper):
            raise UsageError(f"The tag {tag!r} of {where} is no name of a step.", f"Write it as {fixed}.")
        raise UsageError(f"The tag {tag!r} of {where} can not be read.", f"Write it as {form}.")
    return word, tuple(part or "" for part in found.groups())


def _check_steps(steps: tuple[str, ...], after: tuple[str, ...], where: str) -> None:
    if len(steps) > 1:
        raise UsageError(
            f"The tags of {where} make it two steps: {' and '.join(steps)}.", "Leave one step: tag on the cell."
        )
    if steps and steps[0] in after:
        raise UsageError(
            f"The tags of {where} make step {steps[0]!r} wait for itself.", f"Remove the tag prev:{steps[0]}."
        )
