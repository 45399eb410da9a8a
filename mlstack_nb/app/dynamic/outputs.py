"""What a call of a step gives in a dynamic pipeline: an output that is there, or one that is on its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from typing import Any, NoReturn

from mlstack_nb.core.step import FromStep
from mlstack_nb.engine.calls import StepResult
from mlstack_nb.engine.mapping import stored_item
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import GraphError, TypeMismatchError, UsageError

_LISTS = ("builtins.list", "builtins.tuple")
WAKE_S = 1.0
"""A wait without end would not be woken by Ctrl-C on every platform."""


class OutputArtifact:
    """An output of a step that has ended. Given to another step it is an edge of the graph; `load` gives its value.

    One that is a list or a tuple is also indexed and walked: each item is such an output itself.
    """

    __slots__ = ("_items", "source", "value")

    def __init__(self, source: FromStep, value: Value) -> None:
        self.source = source
        self.value = value
        self._items: list[OutputArtifact] | None = None

    @property
    def step(self) -> str:
        return self.source.step

    @property
    def name(self) -> str:
        return self.source.output

    @property
    def is_list(self) -> bool:
        """Whether it has items: it is a list or a tuple, and not itself an item of one."""
        return self.source.item is None and self.value.artifact.type in _LISTS

    def load(self) -> Any:
        """The value, the caller's own. Raises what loading raises."""
        return self.value.get()

    def chunk(self, index: int) -> OutputArtifact:
        """One item of a list. Raises TypeMismatchError where it is none, IndexError."""
        return self.items()[index]

    def items(self) -> list[OutputArtifact]:
        """All items of a list, each stored by itself. Raises TypeMismatchError where it is none."""
        if not self.is_list:
            what = "an item of a list" if self.source.item is not None else self.value.artifact.type
            raise TypeMismatchError(
                f"{self!r} is {what}, not a list: it has no items.", "Let its step return a list, or load it: .load()"
            )
        if self._items is None:
            self._items = [
                OutputArtifact(FromStep(self.step, self.name, number), stored_item(self.value, item, number))
                for number, item in enumerate(self.load())
            ]
        return self._items

    def __len__(self) -> int:
        return len(self.items())

    def __iter__(self) -> Iterator[OutputArtifact]:
        return iter(self.items())

    def __getitem__(self, index: int) -> OutputArtifact:
        return self.chunk(index)

    def __bool__(self) -> NoReturn:
        raise self._not_loaded("tested")

    def __eq__(self, _other: object) -> bool:
        raise self._not_loaded("compared")

    def __lt__(self, _other: object) -> bool:
        raise self._not_loaded("compared")

    __le__ = __gt__ = __ge__ = __lt__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        item = "" if self.source.item is None else f"[{self.source.item}]"
        return f"<output {self.name}{item} of step {self.step}>"

    def _not_loaded(self, how: str) -> GraphError:
        what = f"Output {self.name!r} of step {self.step!r} is {how}, but it only stands for its value."
        return GraphError(what, "Take the value: .load()")


class StepFuture:
    """A step that was submitted. It may be given to other steps, which then wait for it.

    `result`, `artifacts` and `load` wait, and raise what the step raised; a step with several outputs gives a tuple.
    `told` learns of what is raised to the author.
    """

    def __init__(
        self, step: str, outputs: Sequence[str], ended: Future[StepResult], *, told: Callable[[BaseException], None]
    ) -> None:
        self.step = step
        self.outputs = tuple(outputs)
        self.ended = ended
        self._told = told

    def wait(self) -> None:
        """Until it has ended, well or not."""
        while not self.ended.done():
            wait([self.ended], timeout=WAKE_S)

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return not self.ended.done()

    def artifacts(self) -> tuple[OutputArtifact, ...]:
        """Its outputs, in the order it declares them."""
        self.wait()
        error = self.ended.exception()
        if error is not None:
            self._told(error)
        values = self.ended.result().outputs
        return tuple(OutputArtifact(FromStep(self.step, name), values[name]) for name in self.outputs)

    def result(self) -> Any:
        """Its output, or a tuple of its outputs."""
        found = self.artifacts()
        return found if len(found) > 1 else found[0]

    def load(self) -> Any:
        """The value of its output, or a tuple of the values."""
        found = tuple(one.load() for one in self.artifacts())
        return found if len(found) > 1 else found[0]

    def __iter__(self) -> Iterator[ArtifactFuture]:
        return iter([ArtifactFuture(self, name) for name in self.outputs])

    def __len__(self) -> int:
        return len(self.outputs)

    def __getitem__(self, index: int) -> ArtifactFuture:
        return ArtifactFuture(self, self.outputs[index])

    def only(self) -> ArtifactFuture:
        """The future of its only output. Raises UsageError where it has several."""
        if len(self.outputs) > 1:
            raise UsageError(
                f"Step {self.step!r} has {len(self.outputs)} outputs: {', '.join(self.outputs)}.",
                "Give one of them: a, b = step.submit(...)",
            )
        return self[0]

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<step {self.step}: {'running' if self.running() else 'ended'}>"


class ArtifactFuture:
    """One output of a step that was submitted."""

    def __init__(self, future: StepFuture, name: str) -> None:
        self.future = future
        self.name = name

    @property
    def source(self) -> FromStep:
        return FromStep(self.future.step, self.name)

    def wait(self) -> None:
        self.future.wait()

    def running(self) -> bool:
        return self.future.running()

    def result(self) -> OutputArtifact:
        """Waits; raises what the step raised."""
        return next(one for one in self.future.artifacts() if one.name == self.name)

    def load(self) -> Any:
        """The value. Waits; raises what the step raised."""
        return self.result().load()

    def chunk(self, index: int) -> OutputArtifact:
        """One item of a list. Waits; raises what the step raised."""
        return self.result().chunk(index)

    def __repr__(self) -> str:
        return f"<output {self.name} of {self.future!r}>"


class MapResultsFuture:
    """The items of a step that was mapped, in the order of what it was mapped over. Given to a step it is a list."""

    def __init__(self, futures: Sequence[StepFuture], *, outputs: int) -> None:
        self.futures = list(futures)
        self._outputs = outputs

    def wait(self) -> None:
        """Until all have ended, well or not."""
        for future in self.futures:
            future.wait()

    def running(self) -> bool:
        """Whether one has not ended yet."""
        return any(future.running() for future in self.futures)

    def result(self) -> list[Any]:
        """What `StepFuture.result` gives for each. Waits for all; raises what the first one that failed raised."""
        self.wait()
        return [future.result() for future in self.futures]

    def artifacts(self) -> list[Any]:
        return self.result()

    def load(self) -> list[Any]:
        """The values. Waits for all; raises what the first one that failed raised."""
        self.wait()
        return [future.load() for future in self.futures]

    def unpack(self) -> tuple[list[ArtifactFuture], ...]:
        """For a step with several outputs a list for each: `models, scores = train.map(...).unpack()`."""
        return tuple([future[index] for future in self.futures] for index in range(self._outputs))

    def __iter__(self) -> Iterator[StepFuture]:
        return iter(self.futures)

    def __len__(self) -> int:
        return len(self.futures)

    def __getitem__(self, index: int) -> StepFuture:
        return self.futures[index]

    def __bool__(self) -> bool:
        return bool(self.futures)

    def __repr__(self) -> str:
        return f"<{len(self.futures)} mapped steps, {sum(one.running() for one in self.futures)} running>"
