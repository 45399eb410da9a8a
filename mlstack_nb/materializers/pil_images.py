"""PIL images: PNG where it loses nothing, else PIL's own pickle."""

from __future__ import annotations

import io
from typing import Any, ClassVar

from PIL import Image

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.materializers.builtin_values import from_short_text, short_text
from mlstack_nb.materializers.files import damaged, stored
from mlstack_nb.materializers.pickles import dump_pickle, load_pickle
from mlstack_nb.materializers.previews import png_text
from mlstack_nb.ports.materializer import BaseMaterializer

_PNG_MODES = frozenset({"1", "L", "LA", "RGB", "RGBA", "I;16"})
_THUMBNAIL = (256, 256)


class ImageMaterializer(BaseMaterializer):
    """Pixels, mode, palette and `info` come back, as a plain `PIL.Image.Image` whatever file it was opened from."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    def save(self, data: Any) -> None:
        info = short_text(data.info)
        if data.mode in _PNG_MODES and all(data.size) and info is not None:
            plain = data.copy()
            plain.info = {}
            plain.save(self.folder / "image.png", compress_level=1)
            (self.folder / "info.json").write_text(info, encoding="utf-8")
        else:
            dump_pickle(data.copy(), self.folder / "image.pickle")

    def load(self, data_type: type[Any]) -> Any:
        path = stored(self.folder, "image.png", "image.pickle")
        if path.suffix == ".pickle":
            return load_pickle(path)
        try:
            with Image.open(path) as opened:
                image = opened.copy()
        except OSError as error:
            raise damaged(path, error) from error
        image.info = from_short_text(stored(self.folder, "info.json").read_text(encoding="utf-8"))
        return image

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        return {"width": data.width, "height": data.height, "mode": data.mode}

    def preview(self, data: Any) -> dict[str, str]:
        text = {"text/plain": f"{data.mode} image of {data.width} x {data.height}"}
        if not all(data.size):
            return text
        try:
            small = data.convert("RGBA")
        except ValueError:  # PIL shows some modes to nobody
            return text
        small.thumbnail(_THUMBNAIL)
        file = io.BytesIO()
        small.save(file, "PNG")
        return {**text, "image/png": png_text(file.getvalue())}
