"""The code that runs as one step, in the order it runs: what travels with the step, then the step itself."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mlstack_nb.source.lint.findings import Place


class Part(StrEnum):
    """What a passage is to its step.

    A setup is executed to get values that the step reads, a prelude with the step. A constant is known without.
    """

    BODY = "body"
    PRELUDE = "prelude"
    SETUP = "setup"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class Passage:
    nodes: tuple[ast.stmt, ...]
    place: Place
    part: Part = Part.BODY


@dataclass(frozen=True, slots=True)
class StepCode:
    """`texts` are names from outside that hold plain text, which counts as text; `inputs` all others from outside.

    `function` is the name of the function that the step is, if it is one. `counts_anew`: its author has said that
    results do not keep. `files` are those that count as a part of it. `is_whole`: a notebook or file without steps.
    """

    name: str
    passages: tuple[Passage, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    inputs: frozenset[str] = frozenset()
    function: str = ""
    counts_anew: bool = False
    files: tuple[str, ...] = ()
    is_whole: bool = False
