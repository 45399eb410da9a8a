"""A version of an artifact, as the client gives it."""

from __future__ import annotations

import html
import shutil
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.app import saved_artifacts
from mlstack_nb.app.placeholders import Standin
from mlstack_nb.app.wording import size
from mlstack_nb.catalog.tags import VERSION, tags_by_subject
from mlstack_nb.client.ties import run_of
from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.core.step import FromArtifact, Source
from mlstack_nb.errors import UsageError

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.catalog.artifacts import ArtifactVersion

_SAVE_TYPES = {"step": "step_output"}


class ArtifactVersionRecord(Standin):
    """One version. It is also a list of itself, so that `outputs["x"].load()` and `outputs["x"][0].load()` are one.

    In a pipeline it may be the input of a step.
    """

    def __init__(self, workspace: Workspace, row: ArtifactVersion) -> None:
        self._workspace = workspace
        self._row = row

    @property
    def id(self) -> str:
        return str(self._row.id)

    @property
    def source(self) -> Source:
        return FromArtifact(self.name, self.version)

    @property
    def name(self) -> str:
        return self._row.artifact.name

    @property
    def version(self) -> str:
        return str(self._row.version)

    @property
    def type(self) -> ArtifactType:
        return self._row.artifact.kind

    @property
    def data_type(self) -> str:
        """The qualified name of the value's class."""
        return self._row.artifact.type

    @property
    def materializer(self) -> str:
        return self._row.artifact.materializer

    @property
    def content_hash(self) -> str:
        """Equal contents have equal ones, however they are stored."""
        return self._row.artifact.digest

    @property
    def size_bytes(self) -> int:
        return self._row.artifact.size_bytes

    @property
    def save_type(self) -> str:
        """`step_output`, `manual`, `preexisting` or `external`."""
        return _SAVE_TYPES.get(self._row.origin, self._row.origin)

    @property
    def created(self) -> datetime:
        return datetime.fromtimestamp(self._row.created_at, UTC)

    @property
    def uri(self) -> str:
        """The folder of its files; of a small value, which has none, the catalog's name for it."""
        artifact = self._row.artifact
        if artifact.object is None:
            return f"mlstack://{artifact.name}/{self.version}"
        return str(saved_artifacts.stored_in(self._workspace, self._row).codec.store.open_object(artifact.object))

    @property
    def artifact(self) -> ArtifactRecord:
        return ArtifactRecord(self._workspace, self.name)

    @property
    def run_metadata(self) -> dict[str, Any]:
        """What its materializer and people's code told of it."""
        return saved_artifacts.metadata_of(self._workspace, self._row)

    @property
    def tags(self) -> list[str]:
        with self._workspace.catalog.read() as connection:
            return list(tags_by_subject(connection, VERSION, [self.id])[self.id])

    @property
    def run(self) -> Any:
        """The `RunRecord` that made it; None for what was saved outside of runs, and when the run was deleted."""
        return run_of(self._workspace, self._row.run_id) if self._row.run_id else None

    @cached_property
    def step(self) -> Any:
        """The `StepRecord` that made it; None as with `run`."""
        run = self.run
        return None if run is None else run.steps[self._row.step]

    @property
    def producer_step_run_id(self) -> str | None:
        return self._row.step_run_id or None

    def load(self) -> Any:
        """The value, read anew each time. Raises ObjectMissingError, DamagedObjectError or MaterializerError."""
        return saved_artifacts.load(self._workspace, self._row)

    def visualize(self, title: str | None = None) -> None:
        """Show it: in a notebook as it shows itself, elsewhere as text."""
        from mlstack_nb.core.types import shown

        preview = self._row.artifact.preview
        bundle: dict[str, Any] = dict(preview) if preview else {"text/plain": shown(self.load())}
        if title:
            bundle = {**bundle, "text/plain": f"{title}\n{bundle.get('text/plain', '')}"}
        show = _display()
        if show is None:
            import sys

            sys.stdout.write(f"{bundle.get('text/plain', repr(self))}\n")
        else:
            show(bundle, raw=True)

    def download_files(self, path: str, overwrite: bool = False) -> None:
        """Its files in a zip archive at `path`; a small value is one text file. Raises UsageError where one is."""
        target = Path(path)
        if target.suffix != ".zip":
            raise UsageError(f"{path!r} is no name of a zip archive.", f"Write: {target.with_suffix('.zip')}")
        if target.exists() and not overwrite:
            raise UsageError(f"There is a file {path!r} already.", "Choose another name, or give overwrite=True.")
        aside = target.with_name(f".{target.name}.part")
        try:
            with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, source in self._files():
                    with archive.open(name, "w", force_zip64=True) as member:
                        if isinstance(source, Path):
                            with source.open("rb") as file:
                                shutil.copyfileobj(file, member, 1024 * 1024)
                        else:
                            member.write(source)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[str, Path | bytes]]:
        artifact = self._row.artifact
        if artifact.inline is not None:
            yield "value.txt", artifact.inline.encode("utf-8", "surrogatepass")
            return
        folder = Path(self.uri)
        yield from ((str(file.relative_to(folder)), file) for file in sorted(folder.rglob("*")) if file.is_file())

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[ArtifactVersionRecord]:
        yield self

    def __getitem__(self, index: int) -> ArtifactVersionRecord:
        return [self][index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArtifactVersionRecord) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        kind = self.data_type.rpartition(".")[2]
        return f"<artifact {self.name}, version {self.version}: {kind}, {size(self.size_bytes)}>"

    def _repr_html_(self) -> str:
        preview = self._row.artifact.preview or {}
        kind = html.escape(self.data_type.rpartition(".")[2])
        head = f"<b>{html.escape(self.name)}</b>, version {html.escape(self.version)}: {kind}, {size(self.size_bytes)}"
        made = f"<br>output of step {html.escape(self._row.step)}, run {self._row.run_id}" if self._row.run_id else ""
        if "text/html" in preview:
            shown = str(preview["text/html"])
        elif "image/png" in preview:
            shown = f'<img src="data:image/png;base64,{html.escape(str(preview["image/png"]))}">'
        else:
            shown = f"<pre>{html.escape(str(preview.get('text/plain', self._row.artifact.inline or '')))}</pre>"
        return f"<div>{head}{made}</div>{shown}"


class ArtifactRecord:
    """An artifact: the name that its versions share."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self.name = name

    @property
    def id(self) -> str:
        return self.name

    @property
    def versions(self) -> dict[str, ArtifactVersionRecord]:
        """By version, newest first."""
        from mlstack_nb.catalog.artifacts import versions

        found = (ArtifactVersionRecord(self._workspace, row) for row in versions(self._workspace.catalog, self.name))
        return {one.version: one for one in found}

    @property
    def latest_version_name(self) -> str:
        return next(iter(self.versions))

    @property
    def tags(self) -> list[str]:
        with self._workspace.catalog.read() as connection:
            return list(tags_by_subject(connection, "artifact", [self.name])[self.name])

    def __repr__(self) -> str:
        return f"<artifact {self.name}>"


def _display() -> Any:
    """How a notebook shows things; None where no notebook is."""
    import sys

    shell = sys.modules.get("IPython")
    if shell is None or shell.get_ipython() is None:
        return None
    return sys.modules["IPython.display"].display if "IPython.display" in sys.modules else None
