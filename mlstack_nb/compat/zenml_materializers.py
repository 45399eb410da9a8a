"""ZenML's base of materializers, and its types of texts that show themselves."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from mlstack_nb.compat.zenml_errors import MaterializerInterfaceError
from mlstack_nb.compat.zenml_files import LocalFiles, fileio
from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.core.digest import digest
from mlstack_nb.ports import materializer


class VisualizationType(StrEnum):
    CSV = "csv"
    HTML = "html"
    IMAGE = "image"
    MARKDOWN = "markdown"
    JSON = "json"


_MIME = {
    VisualizationType.HTML: "text/html",
    VisualizationType.MARKDOWN: "text/markdown",
    VisualizationType.JSON: "application/json",
    VisualizationType.CSV: "text/csv",
}
_IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".svg": "image/svg+xml"}


class BaseMaterializer(materializer.BaseMaterializer):
    """Ours, with what ZenML's has besides. Raises MaterializerInterfaceError when a subclass is declared wrongly."""

    SKIP_REGISTRATION: ClassVar[bool] = False

    def __init_subclass__(cls, **keywords: Any) -> None:
        _check(cls)
        if not cls.__dict__.get("SKIP_REGISTRATION"):
            super().__init_subclass__(**keywords)

    def __init__(self, uri: str = "", artifact_store: LocalFiles | None = None) -> None:
        super().__init__(uri)
        self.artifact_store = artifact_store or fileio

    def save_visualizations(self, data: Any) -> Mapping[str, VisualizationType]:
        """Files that were written to show the value, and what they hold."""
        return {}

    def compute_content_hash(self, data: Any) -> str | None:
        """None leaves it to the files."""
        return None

    @contextmanager
    def get_temporary_directory(
        self, delete_at_exit: bool = True, delete_after_step_execution: bool = False
    ) -> Iterator[str]:
        """A folder for files that are not to be kept; removed with the block, or with this materializer."""
        folder = tempfile.mkdtemp(prefix="mlstack-")
        try:
            yield folder
        finally:
            if delete_at_exit and not delete_after_step_execution:
                shutil.rmtree(folder, ignore_errors=True)
            else:
                weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def preview(self, data: Any) -> Mapping[str, Any] | None:
        """The first visualization that a notebook can show; its file is no part of the artifact."""
        kept = self.uri
        with tempfile.TemporaryDirectory(prefix="mlstack-") as scratch:
            self.uri = scratch
            try:
                for place, kind in self.save_visualizations(data).items():
                    if (shown := _shown(Path(place), VisualizationType(kind))) is not None:
                        return shown
            finally:
                self.uri = kept
        return None

    def content_digest(self, data: Any) -> str | None:
        told = self.compute_content_hash(data)
        return None if told is None else digest("content hash of its materializer", str(told))


def _shown(place: Path, kind: VisualizationType) -> dict[str, Any] | None:
    import base64

    if kind is VisualizationType.IMAGE:
        mime = _IMAGES.get(place.suffix.lower(), "image/png")
        text = place.read_text() if mime.endswith("xml") else base64.b64encode(place.read_bytes()).decode()
        return {mime: text}
    return {_MIME[kind]: place.read_text()}


def _check(kind: type[BaseMaterializer]) -> None:
    types = kind.__dict__.get("ASSOCIATED_TYPES")
    if types is not None and not (isinstance(types, tuple) and all(isinstance(one, type) for one in types)):
        raise MaterializerInterfaceError(
            f"{kind.__name__}.ASSOCIATED_TYPES is {types!r}, which is no tuple of classes.",
            "Write it so: ASSOCIATED_TYPES = (Booster,)",
        )
    told = kind.__dict__.get("ASSOCIATED_ARTIFACT_TYPE", ArtifactType.BASE)
    if not isinstance(told, ArtifactType):
        raise MaterializerInterfaceError(
            f"{kind.__name__}.ASSOCIATED_ARTIFACT_TYPE is {told!r}, which is no ArtifactType.",
            "Write it so: ASSOCIATED_ARTIFACT_TYPE = ArtifactType.MODEL",
        )


class _ShownText(str):
    """A text that shows itself as what it is."""

    __slots__ = ()
    MIME: ClassVar[str]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {self.MIME: str(self), "text/plain": str(self)}


class HTMLString(_ShownText):
    __slots__ = ()
    MIME = "text/html"


class MarkdownString(_ShownText):
    __slots__ = ()
    MIME = "text/markdown"


class CSVString(_ShownText):
    __slots__ = ()
    MIME = "text/csv"


class JSONString(_ShownText):
    __slots__ = ()
    MIME = "application/json"


class ShownTextMaterializer(materializer.BaseMaterializer):
    """One file of text, and the text as its own preview."""

    ASSOCIATED_TYPES = (HTMLString, MarkdownString, CSVString, JSONString)
    ASSOCIATED_ARTIFACT_TYPE = ArtifactType.DATA_ANALYSIS
    _NAMES: ClassVar[dict[str, str]] = {
        "HTMLString": "output.html",
        "MarkdownString": "output.md",
        "CSVString": "output.csv",
        "JSONString": "output.json",
    }

    def save(self, data: Any) -> None:
        (self.folder / self._NAMES[type(data).__name__]).write_bytes(data.encode("utf-8", "surrogatepass"))

    def load(self, data_type: type[Any]) -> Any:
        return data_type((self.folder / self._NAMES[data_type.__name__]).read_bytes().decode("utf-8", "surrogatepass"))

    def preview(self, data: Any) -> dict[str, str]:
        return {data.MIME: str(data), "text/plain": str(data)}

    @classmethod
    def accepts(cls, data: Any) -> bool:
        return type(data).__name__ in cls._NAMES
