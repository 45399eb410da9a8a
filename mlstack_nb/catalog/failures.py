"""Database failures as errors that a person can act on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from mlstack_nb.errors import CatalogError

_READABLE_AGAIN = (
    "Move it aside (mv {place} {place}.damaged): a new catalog is made on next use, and what the steps stored stays."
)
_WRITABLE = "Make the folder writable (chmod -R u+rwX {folder}), or set MLSTACK_WORKSPACE to another one."
_ROOM = "Free some space on the disk, then try again; nothing that was recorded before is lost."

# what the driver's message holds -> what is wrong, what to do
_KNOWN = (
    ("file is not a database", "The catalog {place} is not a database.", _READABLE_AGAIN),
    ("malformed", "The catalog {place} is damaged.", _READABLE_AGAIN),
    ("disk is full", "The disk of the catalog {place} is full.", _ROOM),
    ("disk i/o error", "The disk of the catalog {place} could not be read or written.", _ROOM),
    ("readonly", "The catalog {place} can not be written.", _WRITABLE),
    ("unable to open", "The catalog {place} can not be opened.", _WRITABLE),
    ("locked", "The catalog {place} has been in use by another process for too long.", "End it, then try again."),
)


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn what the database raises in the block into a CatalogError that names `place`."""
    try:
        yield
    except DBAPIError as error:
        raise _explanation(place, str(error.orig)) from error
    except sqlite3.Error as error:
        raise _explanation(place, str(error)) from error


def unmade(place: str, error: OSError) -> CatalogError:
    """What to raise when the catalog's file can not be made."""
    return CatalogError(f"The catalog {place} can not be made: {error.strerror}.", _filled(_WRITABLE, place))


def _explanation(place: str, message: str) -> CatalogError:
    for sign, what, hint in _KNOWN:
        if sign in message.lower():
            return CatalogError(_filled(what, place), _filled(hint, place))
    return CatalogError(f"The catalog {place} failed: {message}.", "Run: mlstack doctor")


def _filled(sentence: str, place: str) -> str:
    return sentence.format(place=place, folder=place.rpartition("/")[0] or ".")
