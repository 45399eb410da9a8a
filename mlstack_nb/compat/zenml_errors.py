"""The exceptions that scripts written for ZenML catch: ours, and RuntimeErrors as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlstack_nb.app.outward import outward
from mlstack_nb.errors import ConfigError, GraphError, MaterializerError, MlstackError, StepError, UsageError


class StepInterfaceError(UsageError, RuntimeError):
    """A step or a pipeline is declared, called or answered in a way that can not be."""


class StepContextError(UsageError, RuntimeError):
    """A context is asked for where there is none."""


class StackValidationError(ConfigError, RuntimeError):
    """The stack lacks what the pipeline needs."""


class MaterializerInterfaceError(MaterializerError, RuntimeError):
    """A materializer is declared wrongly."""


class PipelineFailedError(StepError, RuntimeError):
    """A step of a run failed; its own exception is the cause."""


_OURS: tuple[tuple[tuple[type[MlstackError], ...], type[MlstackError]], ...] = (
    ((UsageError, GraphError), StepInterfaceError),
    ((ConfigError,), StackValidationError),
)


@contextmanager
def zenml_errors() -> Iterator[None]:
    """Inside, our errors leave as those above."""
    try:
        yield
    except MlstackError as error:
        raise outward(in_zenmls_words(error)) from error.__cause__


def in_zenmls_words(error: MlstackError) -> MlstackError:
    """The same fact as an error that a script of ZenML's catches; `error` itself where it is one already."""
    if isinstance(error, RuntimeError):
        return error
    kind = next((kind for ours, kind in _OURS if isinstance(error, ours)), None)
    return error if kind is None else kind(error.what, error.hint)
