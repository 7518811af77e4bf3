"""Translation of images with given random parameters; models and prepared styles are shared within a process."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import get_worker_info

from ir_transfer.conversion.controls import Controls
from ir_transfer.conversion.devices import pick_device
from ir_transfer.conversion.plan import Variant
from ir_transfer.conversion.styles.catalog import SavedStyle, exemplar_files
from ir_transfer.conversion.styles.choose import StyleChoice, choose_styles
from ir_transfer.conversion.translate import Translator
from ir_transfer.errors import InputError
from ir_transfer.imaging.exemplars.polarity import is_white_hot
from ir_transfer.imaging.image_io import DecodedImage, to_levels
from ir_transfer.sensor import Camera, SensorModel
from ir_transfer.transforms.options import Draw, InfraredOptions

Pixels = NDArray[np.uint8 | np.uint16 | np.float32]
_DTYPES = (np.uint8, np.uint16, np.float32)
_CAMERAS = 16  # over all sizes and units; each takes about 5 MB for images of 640 x 512

_loaded: WeakValueDictionary[str, Translator] = WeakValueDictionary()


class Renderer:
    """Translates RGB images to infrared images.

    Renderers with the same model and styles share them within a process. Tensors are in shared memory after a renderer
    is sent to another process by torch's multiprocessing, or after a fork.

    Raises:
        IrTransferError: A style, model, weights or device is unknown or incompatible.
    """

    def __init__(self, options: InfraredOptions) -> None:
        self.options = options
        self.translator = _shared_translator(options)
        self._cameras = tuple(camera.open() for camera in options.cameras)

    def draw(self, number: int, images: Sequence[Pixels]) -> Draw:
        """Return the random parameters of one sample.

        Args:
            number: Random number of at least 0, the seed without ``image_seed``.
            images: Images of the sample, (1 or 3, H, W), used with ``image_seed`` only.
        """
        if self.options.image_seed is None:
            return self.options.draw(np.random.default_rng(number))
        digest = hashlib.blake2b(digest_size=16)
        for image in images:
            digest.update(f"{image.dtype}{image.shape}".encode())
            digest.update(image.tobytes())
        seed = [self.options.image_seed, int.from_bytes(digest.digest(), "little")]
        return self.options.draw(np.random.default_rng(seed))

    def __call__(self, images: Sequence[Pixels], draw: Draw) -> list[Pixels]:
        """Translate images of the same size.

        Args:
            images: Each (3, H, W) or (1, H, W), sRGB: uint8, uint16, or float32 in [0, 1]; sides of at least 16.
            draw: Random parameters; the frame number increases from image to image.

        Returns:
            Apparent intensity (H, W) of the same dtype.

        Raises:
            InputError: Another shape or dtype, values outside [0, 1], or CUDA in a DataLoader worker.
        """
        decoded_images = [_image(image) for image in images]
        if draw.style is None:
            return [_levels(decoded.gray()[0], decoded, inverted=False) for decoded in decoded_images]
        black_hot = not self.translator.codes[draw.style].white_hot
        results = []
        for index, intensity in enumerate(self._translate(decoded_images, draw.style, draw.strength)):
            seen = self._observe(intensity, draw, index, black_hot=black_hot)
            results.append(_levels(seen, decoded_images[index], inverted=draw.inverted))
        return results

    def _translate(self, images: Sequence[DecodedImage], style: int, strength: float) -> list[NDArray[np.float32]]:
        device = self.translator.device
        if device.type == "cuda" and get_worker_info() is not None:
            raise InputError(
                f"expected device='cpu' in a worker of a DataLoader, got {device}: transform batches in the training "
                "loop, or set num_workers=0"
            )
        # One batch of all images.
        translator = replace(self.translator.of(Variant(0, style, strength)), batch_size=len(images))
        with _own_random_state(device):
            return translator(images)

    def _observe(
        self, intensity: NDArray[np.float32], draw: Draw, index: int, *, black_hot: bool
    ) -> NDArray[np.float32]:
        """Return the camera image of an intensity (H, W); sensors expect white-hot input."""
        if draw.camera is None:
            return intensity
        sensor, agc = self._cameras[draw.camera]
        seen = 1 - intensity if black_hot else intensity
        if sensor is not None:
            seen = _camera(sensor, seen.shape[0], seen.shape[1], draw.unit).observe(seen, draw.frame + index)
        seen = seen if agc is None else agc.apply(seen)
        return 1 - seen if black_hot else seen


def _image(image: Pixels) -> DecodedImage:
    if image.ndim != 3 or image.shape[0] not in {1, 3} or image.dtype not in _DTYPES:
        raise InputError(
            "expected an RGB or gray image (3 or 1 channels) of uint8, uint16 or float32, got "
            f"{image.shape} of {image.dtype}: convert it before ToInfrared"
        )
    if image.dtype != np.float32:
        return DecodedImage(image, 255.0 if image.dtype == np.uint8 else 65535.0, "")
    # Also false for NaN.
    if not (image.min() >= 0 and image.max() <= 1):
        raise InputError(
            f"expected float images in [0, 1], got {image.min():g} to {image.max():g}: put ToInfrared before Normalize"
        )
    return DecodedImage(image, 1.0, "")


def _levels(intensity: NDArray[np.float32], image: DecodedImage, *, inverted: bool) -> Pixels:
    if image.levels.dtype == np.float32:
        return np.asarray(1 - intensity if inverted else intensity, dtype=np.float32)
    levels = to_levels(intensity, 8 if image.levels.dtype == np.uint8 else 16)
    return np.invert(levels) if inverted else levels  # for unsigned integers, the largest value minus the level


@contextmanager
def _own_random_state(device: torch.device) -> Iterator[None]:
    """Restore the state of torch's generator after the block, since translation seeds it."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


@lru_cache(maxsize=_CAMERAS)
def _camera(sensor: SensorModel, height: int, width: int, unit: int) -> Camera:
    return Camera(sensor, height, width, unit)


def _shared_translator(options: InfraredOptions) -> Translator:
    choice = choose_styles(options.styles, None, options.model, options.weights)
    controls = Controls(keep_tone=options.keep_tone)
    device = pick_device(options.device)
    key = repr(
        (
            choice,
            _stamps(choice),
            controls,
            str(device),
            options.precision,
            options.exemplar_polarity,
            options.exemplar_range,
            sorted(options.model_options.items()),
        )
    )
    translator = _loaded.get(key)
    if translator is None:
        white_hot = is_white_hot(options.exemplar_polarity)
        with _own_random_state(device):
            translator = Translator.load(
                choice,
                device,
                precision=options.precision,
                white_hot=white_hot,
                controls=controls,
                options=options.model_options,
                exemplar_range=options.exemplar_range,
            )
        translator.model.requires_grad_(requires_grad=False)
        _loaded[key] = translator
    return translator


def _stamps(choice: StyleChoice) -> tuple[tuple[str, int, int], ...]:
    """Return path, time and size of the files of a choice, so that a changed file is read again."""
    paths = [path for style in choice.styles for path in exemplar_files(style)]
    paths += [style.path for style in choice.styles if isinstance(style, SavedStyle)]
    if Path(choice.weights).is_file():
        paths.append(Path(choice.weights))
    found = [(path.resolve(), path.stat()) for path in paths if path.exists()]
    return tuple((str(path), status.st_mtime_ns, status.st_size) for path, status in found)
