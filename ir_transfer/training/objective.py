"""Objective: a module that maps a batch to its losses, so that several processes can share one backward pass."""

from collections.abc import Collection, Mapping

import kornia
import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError
from ir_transfer.losses.adversarial import PatchCritic, adversarial, critic_loss
from ir_transfer.losses.base import Scene
from ir_transfer.losses.hints import FeatureHints
from ir_transfer.losses.layered import LayeredLoss
from ir_transfer.losses.registry import (
    ADVERSARIAL,
    HINTS,
    LAYERED,
    LOSSES,
    check_names,
    needing_ground_truth,
    needing_vgg,
)
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.fixed_styles import FixedStyles
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.nn.thermal.exemplar_encoder import pooled
from ir_transfer.nn.thermal.windows import Window
from ir_transfer.training.batches import Batch
from ir_transfer.training.feature_cache import FeatureCache
from ir_transfer.training.recipe import Recipe
from ir_transfer.training.views import canonical

_NO_CONTENT = 0.5  # input of the critic in place of an RGB image that is not paired with the infrared image


class Objective(nn.Module):
    """Model with the losses of a recipe and the networks that some losses contain.

    Args:
        recipe: Names and weights of the losses.
        model: Model to train.
        vgg: Frozen perceptual encoder, or None.

    Raises:
        InputError: A loss needs the perceptual encoder, an encoder, or a registered ground truth that is missing.
        UnknownNameError: An unknown loss.
    """

    def __init__(self, recipe: Recipe, model: TranslationModel, vgg: PerceptualEncoder | None) -> None:
        super().__init__()
        check_losses(recipe, vgg is not None)
        self.model, self.weights, self.styles = model, recipe.losses, tuple(recipe.data.looks)
        self.vgg = None if vgg is None else vgg.to(memory_format=torch.channels_last)
        self.features = FeatureCache(recipe.data.cache_gib)
        self.critic = PatchCritic() if ADVERSARIAL in recipe.losses else None
        self.hints = self._make_hints() if HINTS in recipe.losses else None
        self.layered = LayeredLoss() if LAYERED in recipe.losses else None
        if self.layered is not None and "layer-weights" not in model.info.controls:
            raise InputError(
                f"expected a model with layer weights for losses.{LAYERED}, got {model.info.name!r}: omit it"
            )

    def _make_hints(self) -> FeatureHints:
        encoder, widths = getattr(self.model, "encoder", None), self.model.hyper_parameters.get("widths")
        if encoder is None or widths is None or self.vgg is None or isinstance(self.model, ThermalModel):
            raise InputError(
                f"expected a model with a trainable VGG-style encoder for losses.{HINTS}, got "
                f"{self.model.info.name!r}: omit it; use ir-transfer distill to train a content encoder"
            )
        hints = FeatureHints(widths, self.vgg.widths)
        hints.attach(encoder)
        return hints

    def learned(self) -> list[nn.Parameter]:
        """Return the trainable parameters of model and hints; the critic has a separate optimiser."""
        parameters = [*self.model.parameters(), *(self.hints.parameters() if self.hints else ())]
        return [parameter for parameter in parameters if parameter.requires_grad]

    def forward(self, batch: Batch, active: Collection[str]) -> dict[str, Tensor]:
        """Return the weighted losses () of a batch by name."""
        found: dict[str, Tensor] = {}
        scene = None
        if any(name != HINTS for name in active):
            style = self._encode(batch)
            scene = self._scene(batch, style)
            found |= self._compared(batch, scene, active)
            if self.layered is not None and LAYERED in active:
                found[LAYERED] = self.weights[LAYERED] * self.layered(scene, style["layer_weights"])
            if ADVERSARIAL in active:
                found |= self._adversarial(batch, scene)
        else:
            self.model.encode_content(batch.content)
        # Last, since it may depend on the model's last forward pass.
        if (auxiliary := self.model.auxiliary_loss()) is not None:
            found["auxiliary"] = auxiliary
        if scene is not None and torch.is_grad_enabled() and not any(loss.requires_grad for loss in found.values()):
            # No loss applies to this batch, which has no ground truth: a zero gradient keeps the step valid.
            found["auxiliary"] = 0 * scene.output.sum()
        if self.hints is not None and self.vgg is not None and HINTS in active:
            with torch.no_grad():
                targets = self.vgg(batch.content)
            found[HINTS] = self.weights[HINTS] * self.hints(targets)
        return found

    def _scene(self, batch: Batch, style: Mapping[str, Tensor]) -> Scene:
        canonical = isinstance(self.model, ThermalModel)
        return self._canonical(batch, style) if canonical else self._translate(batch, style)

    def _canonical(self, batch: Batch, style: Mapping[str, Tensor]) -> Scene:
        """Return the scene in canonical tone, which is independent of the exemplar's tone and polarity."""
        model = self.model
        assert isinstance(model, ThermalModel)
        frozen = not any(parameter.requires_grad for parameter in model.encoder.parameters())
        if frozen and batch.keys is not None:
            features = self.features(model.encoder, batch.content, [tuple(key) for key in batch.keys.tolist()])
        else:
            features = model.encoder(batch.content)
        maps, _ = model.maps(batch.content, features, style)
        output = model.detail.render(batch.content, maps, Window.whole(*batch.content.shape[-2:]))
        weights = None if batch.valid is None else batch.valid.float()
        images = (
            canonical(planes.float(), None if weights is None else pooled(weights, planes))
            for planes in (output, maps.thermal)
        )
        return Scene(batch.content, batch.truth, next(images), self.vgg, next(images), batch.classes, batch.valid)

    def _translate(self, batch: Batch, style: Mapping[str, Tensor]) -> Scene:
        strength = (~batch.mirrored).float()[:, None]
        output = self.model.translate(batch.content, style, strength, None).float()
        luminance = kornia.color.rgb_to_grayscale(batch.content)
        luminance = torch.where(batch.white_hot[:, None, None, None], luminance, 1 - luminance)
        truth = torch.where(batch.mirrored[:, None, None, None], luminance, batch.truth)
        return Scene(batch.content, truth, output, self.vgg, valid=batch.valid)

    def _encode(self, batch: Batch) -> Mapping[str, Tensor]:
        if not isinstance(self.model, FixedStyles):
            return self.model.encode(batch.exemplar, batch.white_hot)
        numbers = torch.tensor([self.model.styles.index(name) for name in self.styles], device=batch.style_index.device)
        return self.model.encode_styles(numbers[batch.style_index], batch.white_hot)

    def _compared(self, batch: Batch, scene: Scene, active: Collection[str]) -> dict[str, Tensor]:
        found = {}
        known = batch.registered | batch.mirrored
        for name, loss in LOSSES.items():
            if name not in active:
                continue
            if loss.reference == "labels":
                if not known.all():
                    found[name] = self.weights[name] * loss(scene.subset(~known))
            elif loss.reference != "truth":
                found[name] = self.weights[name] * loss(scene)
            elif known.any():
                found[name] = self.weights[name] * batch.truth_weight * loss(scene.subset(known))
        return found

    def _adversarial(self, batch: Batch, scene: Scene) -> dict[str, Tensor]:
        real = ~batch.mirrored
        if self.critic is None or not real.any():
            return {}
        content = torch.where(batch.registered[:, None, None, None], scene.content, _NO_CONTENT)[real]
        critic_value = critic_loss(self.critic, content, scene.truth[real], scene.output[real])
        self.critic.requires_grad_(False)
        generator_value = adversarial(self.critic, content, scene.output[real])
        self.critic.requires_grad_(True)
        weight = self.weights[ADVERSARIAL] * batch.style_weight
        return {"critic": batch.style_weight * critic_value, ADVERSARIAL: weight * generator_value}


def check_losses(recipe: Recipe, has_vgg: bool) -> None:
    """Check that all losses of a recipe exist and can be computed.

    Raises:
        UnknownNameError: An unknown loss, in ``losses`` or ``training.starts``.
        InputError: A loss needs the perceptual encoder, or a ground truth that no source has.
    """
    check_names([*recipe.losses, *recipe.training.starts])
    if not has_vgg and (names := needing_vgg(recipe.losses)):
        raise InputError(
            f"expected --vgg for the losses {', '.join(names)}: pass a file, or 'torchvision' to download it"
        )
    without_truth = recipe.training.reconstruction == 0 and all(s.pairing == "unpaired" for s in recipe.data.sources)
    if without_truth and (names := needing_ground_truth(recipe.losses)):
        raise InputError(
            f"expected losses without a registered ground truth, since all data.sources are unpaired, got "
            f"{', '.join(names)}: omit them, add a paired source, or --set training.reconstruction=0.1"
        )
