"""A route: a method, an address with open words, what answers it, and what it wants of the body or the query."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from pathlib import Path

    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.server.site import Site

_OPEN = re.compile(r"\{(\w+)\}")


class Wanted(BaseModel):
    """Base of what a route takes: the fields of a JSON body, or of the query of a GET."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `folder` is that of the notebook which the address or the query `notebook` names, if one does.

    The workspace is that folder's, else the server's.
    """

    site: Site
    workspace: Workspace
    words: Mapping[str, str]
    folder: Path | None


@dataclass(frozen=True)
class Route:
    """`answer(call, wanted)` runs in a thread and returns plain data; without `wanted` it is `answer(call)`."""

    method: str
    address: str
    answer: Callable[..., Any]
    wanted: type[Wanted] | None = None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """The word `path` may have slashes, the others have not."""
        parts = _OPEN.split(self.address)
        groups = (f"(?P<{word}>{'.+' if word == 'path' else '[^/]+'})" for word in parts[1::2])
        texts = map(re.escape, parts[::2])
        return re.compile("".join(one for pair in zip(texts, [*groups, ""], strict=True) for one in pair))

    def words(self, address: str) -> dict[str, str] | None:
        """The open words in an address, which is still encoded; None where it is another route's.

        Raises UnicodeDecodeError.
        """
        found = self._pattern.fullmatch(address)
        return None if found is None else {k: unquote(text, errors="strict") for k, text in found.groupdict().items()}
