"""Total variation, which penalises noise."""

from torch import Tensor

from ir_transfer.losses.base import Scene


def tv(scene: Scene) -> Tensor:
    """Return the mean absolute difference () of neighbours, down and across (Rudin et al. 1992, anisotropic)."""
    down = (scene.output[..., 1:, :] - scene.output[..., :-1, :]).abs()
    across = (scene.output[..., :, 1:] - scene.output[..., :, :-1]).abs()
    return scene.mean(down) + scene.mean(across)
