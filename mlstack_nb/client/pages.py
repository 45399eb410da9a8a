"""What a listing answers: one page of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

from mlstack_nb.catalog.listings import FIRST, SIZE, Wanted
from mlstack_nb.errors import UsageError

T = TypeVar("T")


class Page(Generic[T]):
    """`items` of page `index` (the first is 1) out of `total`; iterated and indexed as these items."""

    def __init__(self, items: Iterable[T], *, total: int, index: int, max_size: int) -> None:
        self.items = list(items)
        self.total = total
        self.index = index
        self.max_size = max_size or max(total, 1)

    @property
    def total_pages(self) -> int:
        return max(1, -(-self.total // self.max_size))

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self.items[index]

    def __repr__(self) -> str:
        return f"<page {self.index} of {self.total_pages}: {self.items!r}>"


def wanted(
    filters: dict[str, Any],
    *,
    sort_by: str = "desc:created",
    page: int = FIRST,
    size: int = SIZE,
    logical_operator: str = "and",
) -> Wanted:
    """What a listing is asked for. Raises UsageError for filters that are none."""
    return Wanted(filters, sort_by, page, size, str(logical_operator))


def page_of(items: Iterable[T], total: int, asked: Wanted) -> Page[T]:
    return Page(items, total=total, index=asked.page, max_size=asked.size)


def listed(items: Sequence[T], asked: dict[str, Any], *, noun: str, of: Callable[[T], dict[str, Any]]) -> Page[T]:
    """A page of what is small enough to be read whole, such as stacks; filters compare texts. Raises UsageError."""
    asked = dict(asked)
    page, size = asked.pop("page", FIRST), asked.pop("size", SIZE)
    sort_by, _ = asked.pop("sort_by", "asc:name"), asked.pop("logical_operator", None)
    filters = {name: value for name, value in asked.items() if value is not None}
    found = [item for item in items if _fits(of(item), filters, noun)]
    direction, _, field = sort_by.rpartition(":")
    found.sort(key=lambda item: str(of(item).get(field, "")), reverse=direction == "desc")
    cut = found[(page - 1) * size : page * size] if size else found
    return Page(cut, total=len(found), index=page, max_size=size)


_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "equals": lambda value, wanted: value == wanted,
    "notequals": lambda value, wanted: value != wanted,
    "contains": lambda value, wanted: wanted in value,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "oneof": lambda value, wanted: value in [one.strip(" '\"") for one in wanted.strip("[]").split(",")],
}


def _fits(fields: dict[str, Any], filters: dict[str, Any], noun: str) -> bool:
    for name, value in filters.items():
        if name not in fields:
            raise UsageError(f"{noun} can not be chosen by {name!r}.", f"There are: {', '.join(fields)}.")
        word, _, text = str(value).partition(":")
        if word not in _COMPARE:
            word, text = "equals", str(value)
        if not _COMPARE[word](str(fields[name]), text):
            return False
    return True
