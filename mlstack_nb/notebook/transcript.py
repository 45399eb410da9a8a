"""The outputs of a cell in order, as a notebook file has them, as far as they are worth keeping."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from mlstack_nb.core.display import Display

LONGEST = 1_000_000
"""In characters. What comes first is kept."""
FRAME = 64
"""What an output takes besides its content."""
SETTLED_EVERY = 65_536
WIDGET = "application/vnd.jupyter.widget-view+json"
RETURNS_AT_THE_END = re.compile(r"\r+\n")
MOVES_TO_ANOTHER_LINE = re.compile(r"\x1b\[\d*[ABEFHf]")


class Transcript:
    """Takes outputs from any thread. Progress bars come down to their last state, widgets to their text."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._outputs: list[_Text | _Bundle] = []
        self._used = 0
        self._left_out = 0
        self._is_to_clear = False
        self._lock = RLock()

    def write(self, stream: str, text: str) -> None:
        with self._lock:
            self._clear_if_due()
            last = self._outputs[-1] if self._outputs else None
            if not isinstance(last, _Text) or last.stream != stream:
                self._settle()
                if self._used >= self._longest:
                    self._left_out += len(text)
                    return
                last = _Text(stream)
                self._append(last)
            last.fresh.append(text)
            last.fresh_length += len(text)
            if last.fresh_length > SETTLED_EVERY:
                self._settle()

    def show(self, kind: str, data: Mapping[str, Any], metadata: Mapping[str, Any], *, display_id: Any = None) -> None:
        """A display or a result, of which the forms that fit are kept."""
        with self._lock:
            self._clear_if_due()
            self._settle()
            bundle = _Bundle(kind, display_id)
            self._fill(bundle, data, metadata)
            if bundle.data:
                self._append(bundle)

    def update(self, display_id: Any, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        """New content for what was shown under that id, here or in another cell, which then is not ours to keep."""
        with self._lock:
            for output in self._outputs:
                if isinstance(output, _Bundle) and output.display_id == display_id is not None:
                    self._used -= output.length
                    self._fill(output, data, metadata)

    def clear(self, *, wait: bool) -> None:
        """Forget everything, at once or when the next output comes."""
        with self._lock:
            self._is_to_clear = True
            if not wait:
                self._clear_if_due()

    def display(self) -> Display | None:
        """All that was kept; None when there was nothing to keep."""
        with self._lock:
            self._settle()
            outputs = tuple(output.to_json() for output in self._outputs if output.length)
            return Display(outputs, self._left_out) if outputs or self._left_out else None

    def _clear_if_due(self) -> None:
        if self._is_to_clear:
            self._outputs.clear()
            self._used = self._left_out = 0
            self._is_to_clear = False

    def _append(self, output: _Text | _Bundle) -> None:
        self._outputs.append(output)
        self._used += FRAME

    def _settle(self) -> None:
        """Give the last text the form it is kept in."""
        last = self._outputs[-1] if self._outputs else None
        if isinstance(last, _Text) and last.fresh:
            self._used -= last.length
            self._left_out += last.settle(room=self._longest - self._used)
            self._used += last.length

    def _fill(self, bundle: _Bundle, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        given = {form: _Plain.of(value) for form, value in data.items() if form != WIDGET}
        forms = {form: plain for form, plain in given.items() if plain is not None}
        room = self._longest - self._used
        bundle.data, bundle.length = {}, 0
        for form in sorted(forms, key=lambda form: forms[form].length):
            if bundle.length + forms[form].length <= room:
                bundle.data[form] = forms[form].value
                bundle.length += forms[form].length
            else:
                self._left_out += forms[form].length
        described = _Plain.of(dict(metadata))
        bundle.metadata = described.value if described is not None else {}
        self._used += bundle.length


class _Text:
    """What was written to one stream with nothing else in between. `length` does not count what is `fresh`."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.length = 0
        self.fresh: list[str] = []
        self.fresh_length = 0
        self._lines: list[str] = []
        self._open = ""

    def settle(self, *, room: int) -> int:
        """Take what is fresh, up to `room` characters in all; returns how many were too many."""
        ended, newline, last = (self._open + "".join(self.fresh)).rpartition("\n")
        self.fresh.clear()
        self.fresh_length = 0
        lines, last = overwritten(ended + newline), _to_be_continued(last)
        before = self.length - len(self._open)
        left = max(room - before, 0)
        self._lines.append(lines[:left])
        self._open = last[: max(left - len(lines), 0)]
        self.length = before + len(self._lines[-1]) + len(self._open)
        return before + len(lines) + len(last) - self.length

    def to_json(self) -> dict[str, Any]:
        text = "".join(self._lines) + overwritten(self._open)
        return {"output_type": "stream", "name": self.stream, "text": text}


@dataclass(slots=True)
class _Bundle:
    """One display, in those of its forms that were kept."""

    kind: str
    display_id: Any
    data: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    length: int = 0

    def to_json(self) -> dict[str, Any]:
        found = {"output_type": self.kind, "data": self.data, "metadata": self.metadata}
        return found | {"execution_count": None} if self.kind == "execute_result" else found


@dataclass(frozen=True, slots=True)
class _Plain:
    """A value as JSON has it, and its length there."""

    value: Any
    length: int

    @classmethod
    def of(cls, value: Any) -> _Plain | None:
        """None for what JSON has no word for."""
        if isinstance(value, bytes):
            value = b64encode(value).decode()
        if isinstance(value, str):
            return cls(value, len(value))
        try:
            text = json.dumps(value, default=_sent)
        except (TypeError, ValueError, RecursionError):
            return None
        return cls(json.loads(text), len(text))


def _sent(value: Any) -> Any:
    """A value in a display as Jupyter sends it; raises TypeError where it can not."""
    from jupyter_client.jsonutil import json_default

    return json_default(value)


def overwritten(text: str) -> str:
    """`text` as a terminal leaves it: what follows a carriage return is written over its line.

    Text that moves to other lines is left as it is.
    """
    if "\r" not in text or MOVES_TO_ANOTHER_LINE.search(text):
        return text
    return "\n".join(map(_last_state, RETURNS_AT_THE_END.sub("\n", text).split("\n")))


def _last_state(line: str) -> str:
    has_codes = "\x1b" in line  # which take no place, so that places can not be counted
    shown, *states = line.split("\r")
    for state in states:
        shown = (state or shown) if has_codes else state + shown.rstrip("\b")[len(state) :]
    return shown


def _to_be_continued(line: str) -> str:
    """A line that is still being written: its last state, and what that is written over."""
    before, returned, state = line.rpartition("\r")
    return overwritten(before) + returned + state
