"""``ToInfrared``, a transform for ``torchvision.transforms.v2``."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2._utils import is_pure_tensor

from ir_transfer.conversion.options import Precision
from ir_transfer.errors import InputError
from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.transforms.options import OPTIONS, Channels, Draw, GainControl, InfraredOptions
from ir_transfer.transforms.renderer import Pixels, Renderer

_LARGEST_NUMBER = 2**62


class ToInfrared(v2.Transform):  # type: ignore[misc] # torchvision has no types
    """Converts the RGB images of a sample to infrared images; boxes, masks, keypoints and labels are unchanged.

    Images may be ``tv_tensors.Image`` or ``Video``, PIL images (RGB or L) or plain tensors (..., 3 or 1, H, W) of
    uint8, uint16 or floats in [0, 1]; the result has the same type, height, width and dtype. All images of a call,
    including those of a batch, share their random parameters, as in torchvision's own transforms.

    Random numbers come from torch's generator: ``torch.manual_seed`` reproduces them, and ``DataLoader`` workers
    draw different ones. With ``image_seed`` they depend only on that number and the image. The state of torch's
    generator after a call does not depend on the model.

    Args:
        styles: Style exemplars (infrared images), folders, style files or ``preset:NAME``; one is drawn per call.
        model: See :class:`~ir_transfer.transforms.options.InfraredOptions`, also for the following arguments.
        weights: Name or file of the weights.
        strength: A number in [0, 1], or the bounds of a uniform distribution.
        flip_probability: Probability of inverting the polarity of the result.
        gray_probability: Probability of returning the luma instead of a translation.
        sensors: Names or files of sensors; one is drawn per call.
        sensor_probability: Probability of simulating a sensor.
        agc: Automatic gain control after the sensor.
        keep_tone: Keep the brightness order of the luma.
        exemplar_polarity: Polarity of exemplar files.
        exemplar_range: Pixel values of exemplar files that map to black and white.
        model_options: Options of the model, as strings.
        channels: Channels of the result: 1, or 3 equal ones.
        precision: Floating-point type of the computation.
        device: Device of the model; the result is on the device of the image.
        image_seed: If given, random numbers depend only on it and on the image.

    Raises:
        IrTransferError: A value is out of range, or a style, model, sensor or device is unknown or incompatible.

    Example:
        >>> from torchvision.transforms import v2
        >>> from ir_transfer.transforms import ToInfrared
        >>> train = v2.Compose([ToInfrared("preset:lwir-road-day", gray_probability=0.2), v2.RandomHorizontalFlip()])
    """

    _transformed_types = (Image.Image, tv_tensors.Image, tv_tensors.Video, is_pure_tensor)

    def __init__(
        self,
        styles: str | Sequence[str],
        *,
        model: str | None = None,
        weights: str | None = None,
        strength: float | tuple[float, float] = 1.0,
        flip_probability: float = 0.0,
        gray_probability: float = 0.0,
        sensors: str | Sequence[str] = (),
        sensor_probability: float = 1.0,
        agc: GainControl = "none",
        keep_tone: bool = False,
        exemplar_polarity: ExemplarPolarity = "auto",
        exemplar_range: AskedRange = "auto",
        model_options: Mapping[str, str] | None = None,
        channels: Channels = 3,
        precision: Precision = "float32",
        device: str = "cpu",
        image_seed: int | None = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in OPTIONS}
        super().__init__()
        self.renderer = Renderer(InfraredOptions.of(**given))

    @property
    def options(self) -> InfraredOptions:
        """The configuration."""
        return self.renderer.options

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Draw]:
        """Return the random parameters of one call."""
        number = int(torch.randint(_LARGEST_NUMBER, ()))
        read = [] if self.options.image_seed is None else [image for one in flat_inputs for image in _images(one)]
        return {"draw": self.renderer.draw(number, read)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Return one input as infrared, with the same type, size and dtype.

        Raises:
            InputError: See :meth:`Renderer.__call__`.
        """
        made = self.renderer(_images(inpt), params["draw"])
        if isinstance(inpt, Image.Image):
            gray = Image.fromarray(made[0])
            return gray if self.options.channels == 1 else gray.convert("RGB")
        size = (*inpt.shape[:-3], 1, *inpt.shape[-2:])
        stacked = torch.from_numpy(np.stack(made)) if made else inpt.new_empty(0)
        result = stacked.reshape(size).to(inpt.device, inpt.dtype)
        shape = (*size[:-3], self.options.channels, *size[-2:])
        result = result.expand(shape).contiguous()
        return result if is_pure_tensor(inpt) else tv_tensors.wrap(result, like=inpt)

    def extra_repr(self) -> str:
        """Return the configuration, for ``print``."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options.arguments().items())


def _images(given: Any) -> list[Pixels]:
    """Return the images (C, H, W) of an input."""
    if isinstance(given, Image.Image):
        if given.mode not in {"RGB", "L"}:
            raise InputError(f"expected a PIL image of mode RGB or L, got {given.mode}: convert it before ToInfrared")
        levels = np.asarray(given)
        return [levels[None] if levels.ndim == 2 else levels.transpose(2, 0, 1)]
    tensor: Tensor = given.as_subclass(torch.Tensor)
    if tensor.dim() < 3:
        raise InputError(
            f"expected an image (..., 3 or 1, H, W), got {tuple(tensor.shape)}: convert it before ToInfrared"
        )
    # Half precision represents 8-bit intensities exactly enough; the model computes in float32.
    values = tensor.float() if tensor.is_floating_point() else tensor
    return list(values.reshape(-1, *tensor.shape[-3:]).cpu().numpy())
