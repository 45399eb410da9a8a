"""Encrypting the values of secrets, with a key that lies in the workspace beside the catalog, not in it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlstack_nb.errors import ConfigError

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace

KEY_FILE = "secrets.key"


def seal(workspace: Workspace, value: str) -> str:
    """Encrypted with the workspace's key, which the first value makes."""
    from cryptography.fernet import Fernet

    workspace.ensure()
    return Fernet(_made(workspace.root / KEY_FILE)).encrypt(value.encode("utf-8", "surrogatepass")).decode()


def unseal(workspace: Workspace, sealed: str, *, name: str) -> str:
    """What was sealed, of the secret `name`. Raises ConfigError where the key is not there, or another one."""
    from cryptography.fernet import Fernet, InvalidToken

    place = workspace.root / KEY_FILE
    try:
        return Fernet(place.read_bytes()).decrypt(sealed.encode()).decode("utf-8", "surrogatepass")
    except FileNotFoundError:
        problem = "is not there"
    except OSError as error:
        problem = f"can not be read ({error.strerror})"
    except (InvalidToken, ValueError):
        problem = "is not the one that it was sealed with"
    raise ConfigError(
        f"Secret {name!r} can not be opened: the key {place} {problem}.",
        f"Put the workspace's own key there, or give its values again: mlstack secret update {name}",
    )


def _made(place: Path) -> bytes:
    """The key, for its owner's eyes only; of several processes that make one, the first one's counts."""
    from cryptography.fernet import Fernet

    if not place.exists():
        aside = place.with_name(f".{KEY_FILE}-{os.getpid()}-{threading.get_ident()}")
        try:
            with os.fdopen(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(Fernet.generate_key())
            with suppress(FileExistsError):
                os.link(aside, place)
        finally:
            aside.unlink(missing_ok=True)
    return place.read_bytes()
