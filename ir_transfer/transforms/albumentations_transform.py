"""``AlbumentationsToInfrared``, a transform for albumentations."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from torch.utils.data import get_worker_info

from ir_transfer.conversion.options import Precision
from ir_transfer.errors import InputError
from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.transforms.options import OPTIONS, Channels, Draw, GainControl, InfraredOptions
from ir_transfer.transforms.renderer import Pixels, Renderer

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # otherwise it queries a server for its newest version

from albumentations import ImageOnlyTransform

_LARGEST_NUMBER = 2**62


class AlbumentationsToInfrared(ImageOnlyTransform):  # type: ignore[misc] # albumentations' base is untyped here
    """Converts RGB images to infrared images; masks, boxes and keypoints are unchanged.

    Images are (H, W, 3), (H, W, 1) or (H, W) of uint8, uint16 or float32 in [0, 1]; the result is (H, W, ``channels``)
    of the same dtype. The transform can be saved (``A.save``, ``to_dict``) and replayed (``A.ReplayCompose``).

    Random numbers come from the generator of albumentations (``A.Compose(..., seed=...)``). In a ``DataLoader`` worker
    they also depend on the seed of the worker, so that workers and epochs draw different numbers, which
    ``torch.manual_seed`` reproduces. With ``image_seed`` they depend only on that number and the image.

    The arguments are those of :class:`~ir_transfer.transforms.torchvision_transform.ToInfrared`, and ``p``, the
    probability of applying the transform.

    Raises:
        IrTransferError: A value is out of range, or a style, model, sensor or device is unknown or incompatible.
    """

    def __init__(
        self,
        styles: str | Sequence[str],
        model: str | None = None,
        weights: str | None = None,
        strength: float | Sequence[float] = 1.0,
        flip_probability: float = 0.0,
        gray_probability: float = 0.0,
        sensors: str | Sequence[str] = (),
        sensor_probability: float = 1.0,
        agc: GainControl = "none",
        keep_tone: bool = False,
        exemplar_polarity: ExemplarPolarity = "auto",
        exemplar_range: AskedRange | Sequence[float] = "auto",
        model_options: Mapping[str, str] | None = None,
        channels: Channels = 3,
        precision: Precision = "float32",
        device: str = "cpu",
        image_seed: int | None = None,
        p: float = 1.0,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in OPTIONS}
        super().__init__(p=p)
        self.renderer = Renderer(InfraredOptions.of(**given))

    def get_transform_init_args(self) -> dict[str, Any]:
        """Return the configuration as plain values, for saving."""
        return self.renderer.options.arguments()

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """Return the random parameters of one call as plain values."""
        number = self.py_random.randrange(_LARGEST_NUMBER)
        worker = get_worker_info()
        if worker is not None:
            # Every worker starts with a copy of the same state in every epoch; its seed differs.
            number = int(np.random.SeedSequence([number, worker.seed]).generate_state(1, np.uint64)[0])
        read = [] if self.renderer.options.image_seed is None else _images(data)
        return asdict(self.renderer.draw(number, read))

    def apply(
        self,
        img: Pixels,
        style: int | None,
        strength: float,
        inverted: bool,
        camera: int | None,
        unit: int,
        frame: int,
        **params: Any,
    ) -> Pixels:
        """Return one image (H, W, C) as infrared (H, W, ``channels``).

        Raises:
            InputError: See :meth:`Renderer.__call__`.
        """
        (made,) = self.renderer([_channels_first(img)], Draw(style, strength, inverted, camera, unit, frame))
        return np.repeat(made[..., None], self.renderer.options.channels, axis=2)

    def apply_to_images(self, images: Pixels, *args: Any, **params: Any) -> Pixels:
        """Return images (N, H, W, C) as infrared, as consecutive frames of the sensor."""
        frames = enumerate(images, start=params["frame"])
        return np.stack([self.apply(image, **{**params, "frame": frame}) for frame, image in frames])


def _channels_first(image: Pixels) -> Pixels:
    if image.ndim not in {2, 3}:
        raise InputError(f"expected an image (H, W, 3), (H, W, 1) or (H, W), got {image.shape}")
    return image[None] if image.ndim == 2 else image.transpose(2, 0, 1)


def _images(data: Mapping[str, Any]) -> list[Pixels]:
    return [np.asarray(data[key]) for key in ("image", "images", "volume", "volumes") if key in data]
