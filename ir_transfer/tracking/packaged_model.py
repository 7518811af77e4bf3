"""The model that MLflow loads and serves: weights and an exemplar as files, with the code of this package.

This is the only module that imports MLflow at import time.
"""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mlflow.models import ModelSignature
from mlflow.pyfunc.model import PythonModel
from mlflow.types import DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.conversion.styles.catalog import BLACK_HOT, WHITE_HOT
from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import DecodedImage, decode_image, read_image

if TYPE_CHECKING:
    from mlflow.pyfunc.model import PythonModelContext

    from ir_transfer.conversion.translate import Translator

WEIGHTS, EXEMPLAR = "weights", "exemplar"
"""Names of a logged model's artifacts."""

AS_EXEMPLAR = "exemplar"
"""Value of ``polarity`` that keeps the exemplar's."""


class PackagedModel(PythonModel):
    """Translates RGB images with the weights and the exemplar that were logged with it."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the weights, on the GPU if there is one, and encode the exemplar."""
        from ir_transfer.conversion.devices import pick_device
        from ir_transfer.conversion.styles.catalog import style_names_in
        from ir_transfer.conversion.styles.choose import choose_styles
        from ir_transfer.conversion.translate import Translator
        from ir_transfer.resources import PRESET

        files = context.artifacts
        # A model of fixed styles has no exemplar: its first style, which was validated, is served.
        names = style_names_in(Path(files[WEIGHTS]))
        style = f"{PRESET}{names[0]}" if names else files[EXEMPLAR]
        choice = choose_styles([style], weights=files[WEIGHTS])
        self._translate = Translator.load(choice, pick_device())
        self._polarity = WHITE_HOT if self._translate.style.white_hot else BLACK_HOT

    # MLflow reads this type hint and warns of unknown ones.
    def predict(self, context: Any, model_input: np.ndarray, params: dict[str, Any] | None = None) -> Any:
        """Translate images of any size from 16 x 16 pixels.

        Args:
            context: Not used, as everything is loaded.
            model_input: An RGB image (H, W, 3), several of one size (N, H, W, 3), or an object array (N,) of images
                that may differ in size and kind. An image is an array (uint8, uint16, or float in
                [0, 1]), the bytes of a PNG, JPEG, TIFF, BMP or WebP file, such bytes as a base64 string (as serving
                sends), or a :class:`~pathlib.Path`. A string is never a path, so that a served model opens no file.
            params: ``strength`` in [0, 1], and ``polarity``: ``white-hot``, ``black-hot``, or ``exemplar`` for that of
                the exemplar.

        Returns:
            Apparent intensity, float32 in [0, 1]: (H, W), (N, H, W), or a list of (H, W), like the input.

        Raises:
            InputError: Another shape, type or range of values.
            DecodeError: Bytes that are not an image.
        """
        given = {"strength": 1.0, "polarity": AS_EXEMPLAR, **(params or {})}
        translate = self._translator(given["strength"], given["polarity"])
        inverted = given["polarity"] not in {AS_EXEMPLAR, self._polarity}
        single = model_input.ndim == 3
        images = [model_input] if single else list(model_input)
        found = [translate([_decoded(image, number)])[0] for number, image in enumerate(images)]
        if inverted:
            found = [1 - intensity for intensity in found]
        if single:
            return found[0]
        return np.stack(found) if model_input.ndim == 4 else found

    def _translator(self, strength: float, polarity: str) -> Translator:
        known = (AS_EXEMPLAR, WHITE_HOT, BLACK_HOT)
        if polarity not in known:
            raise InputError(f"expected polarity {', '.join(known)}, got {polarity!r}")
        return replace(self._translate, strength=float(strength))


def _decoded(given: Any, number: int) -> DecodedImage:
    name = f"image {number}"
    if isinstance(given, Path):
        return read_image(given)
    if isinstance(given, str):
        try:
            given = base64.b64decode(given, validate=True)
        except binascii.Error:
            raise InputError(
                f"{name}: expected an array, bytes, a Path or a base64 string, got the text {given[:40]!r}: "
                "wrap a file's name in pathlib.Path"
            ) from None
    if isinstance(given, bytes):
        return decode_image(given, name)
    levels = np.asarray(given)
    if levels.ndim != 3 or levels.shape[2] != 3 or levels.dtype.kind not in "uf":
        raise InputError(f"{name}: expected (H, W, 3) of uint8 or float, got {levels.dtype} {levels.shape}")
    planes = levels.transpose(2, 0, 1)
    if levels.dtype.kind == "u":
        return DecodedImage(planes, float(np.iinfo(levels.dtype).max), "")
    return DecodedImage(planes.astype(np.float32), 1.0, "")


def signature() -> ModelSignature:
    """Return the types of inputs, outputs and parameters; only an object tensor accepts images of all sizes."""
    anything = Schema([TensorSpec(np.dtype(object), (-1,))])
    params = ParamSchema(
        [
            ParamSpec("strength", DataType.double, 1.0),
            ParamSpec("polarity", DataType.string, AS_EXEMPLAR),
        ]
    )
    return ModelSignature(anything, anything, params)


@cache
def input_example() -> NDArray[np.object_]:
    """Return a small RGB image as serving accepts it: the base64 text of a PNG in an array (1,)."""
    rows, columns = np.mgrid[:24, :32]
    planes = [170 - 4 * rows, 120 + 2 * columns, 90 + 5 * rows]
    file = io.BytesIO()
    Image.fromarray(np.stack(planes, axis=-1).clip(0, 255).astype(np.uint8)).save(file, "PNG")
    return np.array([base64.b64encode(file.getvalue()).decode()], dtype=object)
