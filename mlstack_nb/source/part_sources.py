"""The source text of the parts of a fingerprint, for people to compare; no digest depends on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlstack_nb.source.definition import Definition

Writing = str | Definition


class PartSources(Mapping[str, str]):
    """Part label -> source text. A definition's text is cut out of its cell or file when it is asked for."""

    def __init__(self, writings: Mapping[str, Writing]) -> None:
        self._writings = writings

    def __getitem__(self, label: str) -> str:
        found = self._writings[label]
        return found if isinstance(found, str) else found.text

    def __iter__(self) -> Iterator[str]:
        return iter(self._writings)

    def __len__(self) -> int:
        return len(self._writings)
