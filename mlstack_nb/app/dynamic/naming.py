"""Names of steps that are called more than once, or mapped."""

from __future__ import annotations

from collections import Counter

from mlstack_nb.app.names import check_name


class Names:
    """`train`, then `train_2`; whoever asks gets one that nobody has. Raises UsageError for what is no name."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._asked: Counter[str] = Counter()

    def free(self, name: str) -> str:
        check_name("step", name)
        found = name
        while found in self._taken:
            self._asked[name] += 1
            found = f"{name}_{self._asked[name] + 1}"
        self._taken.add(found)
        return found
