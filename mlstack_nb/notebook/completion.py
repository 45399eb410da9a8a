"""Tab completion of `%%step`, `%pipeline` and `%stack` lines, with or without Jedi."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from mlstack_nb.errors import MlstackError
from mlstack_nb.notebook import pipeline_command, stack_command
from mlstack_nb.notebook.line_words import names_of
from mlstack_nb.source import step_line

if TYPE_CHECKING:
    from mlstack_nb.notebook.live import LiveNotebook

Completer = Callable[[CompletionContext], SimpleMatcherResult]

LINE = re.compile(r"\s*(%%step|%pipeline|%stack)\s+(.*)", re.DOTALL)


def completer(notebook: LiveNotebook) -> Completer:
    """A matcher that answers alone on our lines; elsewhere it makes step outputs known that are not loaded yet."""

    def matcher(context: CompletionContext) -> SimpleMatcherResult:
        found = LINE.fullmatch(context.text_until_cursor)
        if found is None:
            return {"completions": [SimpleCompletion(name, type="name") for name in _names(notebook, context.token)]}
        words = _words(notebook, found[1], found[2])
        # IPython's token may begin later than our word, as in `a,b`
        surplus = len(_last_word(found[2])) - len(context.token)
        completions = [SimpleCompletion(word[surplus:], type=_type(word)) for word in words]
        return {"completions": completions, "suppress": True, "ordered": True}

    decorate: Any = context_matcher(identifier="mlstack_nb")
    matched: Completer = decorate(matcher)
    return matched


def _words(notebook: LiveNotebook, magic: str, text: str) -> Iterable[str]:
    """What may stand for the last word of `text`."""
    word = _last_word(text)
    before = text[: len(text) - len(word)].split()
    if magic == "%%step":
        return _of_step(notebook, text, before, word)
    if magic == "%pipeline":
        if before in (["why"], ["forget"]):
            return _starting(word, notebook.begun.steps if notebook.begun is not None else ())
        return _starting(word, names_of(pipeline_command.COMMANDS) if not before else ())
    if not before:
        return _starting(word, names_of(stack_command.COMMANDS))
    if before[0] in ("set", "describe") and len(before) == 1:
        return _starting(word, _stack_names())
    if before[0] == "register" and len(before) > 1 and before[-1] not in stack_command.OPTIONS:
        return _starting(word, [option for option in stack_command.OPTIONS if option not in before])
    return ()


def _of_step(notebook: LiveNotebook, text: str, before: list[str], word: str) -> Iterable[str]:
    session = notebook.begun
    cells = session.steps if session is not None else {}
    if before and before[-1] == "--in":
        head, comma, last = word.rpartition(",")
        outputs = dict.fromkeys(output.name for cell in cells.values() for output in cell.step.outputs)
        return [f"{head}{comma}{name}" for name in _starting(last, outputs)]
    return step_line.complete(text, cells)


def _names(notebook: LiveNotebook, token: str) -> list[str]:
    """Names that begin with `token`. Before a dot, the name is loaded instead, for others to look at its attributes."""
    session = notebook.begun
    if session is None or not token:
        return []
    name, dot, _ = token.partition(".")
    if not dot:
        return _starting(token, session.bindings.known())
    try:
        session.bindings.load([name])
    except MlstackError:
        return []  # the cell that reads it says what is wrong
    return []


def _stack_names() -> list[str]:
    try:
        return stack_command.names()
    except MlstackError:
        return []  # `%stack` itself says what is wrong; a key press should not


def _type(word: str) -> str:
    """What a front end writes beside the word."""
    return "option" if word.startswith("-") else "name"


def _starting(word: str, candidates: Iterable[str]) -> list[str]:
    return [candidate for candidate in candidates if candidate.startswith(word)]


def _last_word(text: str) -> str:
    return "" if not text or text[-1].isspace() else text.rsplit(maxsplit=1)[-1]
