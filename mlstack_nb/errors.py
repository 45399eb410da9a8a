"""Every error this package raises, on the lowest floor.

    MlstackError                     what went wrong, where, and the next thing to type
    |-- UsageError                   the input itself is wrong (magic line, option, argument)
    |   `-- StepSyntaxError          the code of a cell can not be read
    |-- NotFoundError                a name nobody knows; offers the nearest one
    |-- ConflictError                the name is taken, or the thing is in use
    |-- GraphError                   steps that do not fit together
    |   |-- CycleError               steps that wait for each other
    |   |-- UndefinedNameError       a step reads a name that nothing defines
    |   |-- MissingOutputError       a step never assigned an output it declares
    |   `-- TypeMismatchError        a value is not of the declared type
    |-- StaleCodeError               the code on disk is not the code that this process runs
    |-- ConfigError                  a component's or stack's configuration is invalid
    |   `-- MissingPackageError      a flavor needs a package that is not installed
    |-- MaterializerError            a value can not be written or read back
    |-- StoreError                   the artifact store failed
    |   |-- ObjectMissingError       nothing is stored there
    |   |-- DamagedObjectError       the stored bytes are not the ones that were written
    |   `-- StoreUnwritableError     no permission, no space
    |-- CatalogError                 the catalog can not be opened, read or written
    |-- KernelError                  a notebook's kernel can not be had
    |   |-- KernelMissingError       no kernel of that name is installed
    |   |-- KernelLanguageError      the kernel does not speak the notebook's language
    |   |-- KernelPackageError       the kernel's environment has no ipykernel
    |   `-- KernelStartError         the kernel ended, or kept silent, before its first reply
    |-- CellError                    a cell raised an exception
    |   |-- CellTimeoutError         a cell ran longer than allowed
    |   |-- CellCancelledError       somebody stopped the notebook at this cell
    |   `-- KernelDiedError          the kernel ended while it ran this cell
    `-- StepError                    a step's own code failed
        |-- StepTimeoutError         a step ran longer than allowed
        `-- FailedElsewhereError     a step's code raised an exception in another process

Every surface (notebook, CLI, REST) shows the same two fields: `what` and `hint`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class MlstackError(Exception):
    """A failure that a person can act on.

    `what` states the fact with the offending value and the place (cell, step, component);
    `hint` is one imperative sentence: the command to type, the nearest known name, the file to edit.
    """

    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what, hint)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n  -> {self.hint}" if self.hint else self.what

    def _render_traceback_(self) -> list[str]:
        """What IPython prints instead of our frames: the two fields."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(MlstackError):
    http_status = 400


class StepSyntaxError(UsageError):
    pass


class NotFoundError(MlstackError, KeyError):
    """A KeyError, too, so that `except KeyError` is enough for who looks a name up."""

    http_status = 404

    @classmethod
    def of(cls, noun: str, name: str, known: Iterable[str], listing: str) -> NotFoundError:
        """Name the nearest of `known`; where none is near, name the command that lists them."""
        near = nearest(name, known)
        hint = f"Did you mean {near!r}?" if near else listing
        return cls(f"No {noun} is called {name!r}.", hint)


class ConflictError(MlstackError):
    http_status = 409


class GraphError(MlstackError):
    http_status = 422


class CycleError(GraphError):
    pass


class UndefinedNameError(GraphError):
    pass


class MissingOutputError(GraphError):
    pass


class TypeMismatchError(GraphError):
    pass


class StaleCodeError(MlstackError):
    http_status = 409


class ConfigError(MlstackError):
    http_status = 422


class MissingPackageError(ConfigError):
    pass


class MaterializerError(MlstackError):
    http_status = 422


class StoreError(MlstackError):
    pass


class ObjectMissingError(StoreError):
    http_status = 404


class DamagedObjectError(StoreError):
    pass


class StoreUnwritableError(StoreError):
    retryable = True


class CatalogError(MlstackError):
    pass


class KernelError(MlstackError):
    http_status = 422


class KernelMissingError(KernelError):
    http_status = 404


class KernelLanguageError(KernelError):
    pass


class KernelPackageError(KernelError):
    pass


class KernelStartError(KernelError):
    retryable = True


class CellError(MlstackError):
    pass


class CellTimeoutError(CellError):
    retryable = True


class CellCancelledError(CellError):
    retryable = True


class KernelDiedError(CellError):
    retryable = True


class StepError(MlstackError):
    pass


class StepTimeoutError(StepError):
    retryable = True


class FailedElsewhereError(StepError):
    """`failure` is what is recorded of the exception, a `core.run.Failure`."""

    def __init__(self, what: str, hint: str, failure: object) -> None:
        super().__init__(what, hint)
        self.failure = failure


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to `name`, or None when none is close."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return str(found[0]) if found else None
