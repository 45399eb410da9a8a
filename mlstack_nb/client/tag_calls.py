"""What a client does with tags, and with what people's code tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mlstack_nb.app import logged, tags
from mlstack_nb.client.opened import Opened
from mlstack_nb.client.pages import Page, listed
from mlstack_nb.core.tag import DEFAULT_COLOR, Tag

if TYPE_CHECKING:
    from mlstack_nb.catalog.tags import TagRow


class TagCalls(Opened):
    """Tags; `mlstack_nb.add_tags` and `remove_tags` put them on things."""

    def create_tag(self, name: str, exclusive: bool = False, color: str | None = None) -> TagRow:
        """Raises ConflictError when there is one of that name."""
        return tags.register(self.workspace, Tag(name=name, color=color or DEFAULT_COLOR, exclusive=exclusive))

    def get_tag(self, tag_name_or_id: str) -> TagRow:
        return tags.get(self.workspace, tag_name_or_id)

    def list_tags(self, **filters: Any) -> Page[TagRow]:
        """By name. Filters: name, color, exclusive."""
        found = [tags.get(self.workspace, one["name"]) for one in tags.list_all(self.workspace)]
        return listed(found, filters, noun="Tags", of=_fields)

    def update_tag(
        self,
        tag_name_or_id: str,
        name: str | None = None,
        exclusive: bool | None = None,
        color: str | None = None,
    ) -> TagRow:
        return tags.update(self.workspace, tag_name_or_id, new=name, exclusive=exclusive, color=color)

    def delete_tag(self, tag_name_or_id: str) -> None:
        """Whatever has it loses it."""
        tags.delete(self.workspace, tag_name_or_id)

    def attach_tag(self, tag: str | Tag, resources: Iterable[tuple[str, str]]) -> None:
        """`resources` are kind and id of each: ("run", id), ("pipeline", name), ("artifact_version", id), ..."""
        for kind, subject in resources:
            tags.attach(self.workspace, tag, str(kind), str(subject))

    def detach_tag(self, tag: str | Tag, resources: Iterable[tuple[str, str]]) -> None:
        for kind, subject in resources:
            tags.detach(self.workspace, tag, str(kind), str(subject))

    def create_run_metadata(self, metadata: Mapping[str, Any], resources: Iterable[tuple[str, str]]) -> None:
        """`resources` as in `attach_tag`."""
        for kind, subject in resources:
            logged.log_of(self.workspace, metadata, str(kind), str(subject))


def _fields(tag: TagRow) -> dict[str, Any]:
    return {"name": tag.name, "color": tag.color, "exclusive": tag.is_exclusive}
