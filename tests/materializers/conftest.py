"""`again`: a value as a later step gets it, by the materializer that its type is given, from files or from a text."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from mlstack_nb.materializers import by_target, choose, target_of

_numbers = count()


@pytest.fixture(scope="session")
def save(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., SimpleNamespace]:
    """Write a value; gives `folder`, `writer`, `files` by path and `load`."""
    root = tmp_path_factory.mktemp("values")

    def saved(value: Any) -> SimpleNamespace:
        folder = root / str(next(_numbers))
        folder.mkdir()
        writer = choose(value)(str(folder))
        writer.save(value)
        reader = by_target(target_of(type(writer)))(str(folder))
        files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
        return SimpleNamespace(folder=folder, writer=writer, files=files, load=lambda: reader.load(type(value)))

    return saved


@pytest.fixture(scope="session")
def again(save: Callable[..., SimpleNamespace]) -> Callable[[Any], Any]:
    def come_back(value: Any) -> Any:
        materializer = choose(value)
        text = materializer.dumps(value)
        if text is not None:
            return by_target(target_of(materializer)).loads(text)
        return save(value).load()

    return come_back
