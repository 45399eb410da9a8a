"""Environment variables that a step is run with: they count in its key, and are set while its code runs."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from blake3 import blake3

from mlstack_nb.core.digest import digest
from mlstack_nb.core.step import Step
from mlstack_nb.engine.store import Store
from mlstack_nb.errors import ConfigError

_KEY = "secret.key"

LookUp = Callable[[str], Mapping[str, str] | None]
"""Gives the values of a secret by its name, and remembers to mask them; None where there is none of that name."""


def variable_of(secret: str) -> str:
    """The environment variable that gives a secret, as JSON, where no workspace has it: on a node of an engine."""
    return "MLSTACK_SECRET_" + re.sub(r"\W", "_", secret).upper()


def no_secrets(_name: str) -> None:
    """A `LookUp` where there are none."""


def environment_parts(step: Step, store: Store, secret_of: LookUp = no_secrets) -> dict[str, str]:
    """What the variables count as, by label; that of a secret tells nobody who lacks the store's key what it is.

    Raises ConfigError for a secret that is neither kept nor set here.
    """
    settings = step.settings
    parts = {f"environment {name}": digest(value) for name, value in settings.environment.items()}
    for name in settings.secrets:
        values = secret_of(name)
        if values is not None:
            found = {f"secret {name}.{key}": value for key, value in values.items()}
        elif name in os.environ:
            found = {f"secret {name}": os.environ[name]}
        else:
            raise ConfigError(
                f"Step {step.name!r} reads the secret {name}, which is not set.",
                f"Set it: export {name}=..., or keep it: mlstack secret create {name} KEY (on a node of an engine, set "
                f"{variable_of(name)}).",
            )
        parts |= {
            label: blake3(value.encode("utf-8", "surrogateescape"), key=_key(store)).hexdigest()
            for label, value in found.items()
        }
    return parts


def variables_of(step: Step, secret_of: LookUp) -> Mapping[str, str]:
    """What is to be set while the step's code runs: its own variables, and the values of the secrets that are kept."""
    settings = step.settings
    if not settings.secrets:
        return settings.environment
    kept = [values for name in settings.secrets if (values := secret_of(name)) is not None]
    return {**settings.environment, **{key: value for values in kept for key, value in values.items()}}


@contextmanager
def in_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Inside, the variables are set; afterwards they are as before. They are the whole process's."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _key(store: Store) -> bytes:
    """The store's own, so that all who share its cache agree; the first who needs it makes it."""
    files = store.files
    if not files.exists(_KEY):
        files.write(_KEY, secrets.token_bytes(32), if_absent=True)
    return files.read(_KEY)
