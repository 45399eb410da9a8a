"""matplotlib figures: a PNG for people and a pickle that comes back as the figure."""

from __future__ import annotations

import io
from typing import Any, ClassVar

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.materializers.files import stored
from mlstack_nb.materializers.pickles import dump_pickle, load_pickle
from mlstack_nb.materializers.previews import png_text
from mlstack_nb.ports.materializer import BaseMaterializer

_PREVIEW_PIXELS = 480


class FigureMaterializer(BaseMaterializer):
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS

    def save(self, data: Any) -> None:
        dump_pickle(data, self.folder / "figure.pickle")
        data.savefig(self.folder / "figure.png", format="png")

    def load(self, data_type: type[Any]) -> Any:
        return load_pickle(stored(self.folder, "figure.pickle"))

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        width, height = (float(inches) for inches in data.get_size_inches())
        titles = [axes.get_title() for axes in data.axes]
        return {"width_inches": width, "height_inches": height, "axes": len(titles), "titles": titles}

    def preview(self, data: Any) -> dict[str, str]:
        file = io.BytesIO()
        data.savefig(file, format="png", dpi=_PREVIEW_PIXELS / max(data.get_size_inches()))
        return {"text/plain": f"Figure with {len(data.axes)} axes", "image/png": png_text(file.getvalue())}
