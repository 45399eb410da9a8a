"""Environment variables that a step is run with: they count in its key, and are set while its code runs."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from blake3 import blake3

from mlstack_nb.core.digest import digest
from mlstack_nb.core.step import Step
from mlstack_nb.engine.store import Store
from mlstack_nb.errors import ConfigError

_KEY = "secret.key"


def environment_parts(step: Step, store: Store) -> dict[str, str]:
    """What the variables count as, by label; that of a secret tells nobody who lacks the store's key what it is.

    Raises ConfigError for a secret that is not set here.
    """
    settings = step.settings
    parts = {f"environment {name}": digest(value) for name, value in settings.environment.items()}
    for name in settings.secrets:
        value = os.environ.get(name)
        if value is None:
            raise ConfigError(
                f"Step {step.name!r} reads the secret {name}, which is not set.", f"Set it: export {name}=..."
            )
        parts[f"secret {name}"] = blake3(value.encode(), key=_key(store)).hexdigest()
    return parts


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
