"""From a batch to its losses: one module, so that several processes can share one backward pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import kornia
import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError
from ir_transfer.losses.adversarial import PatchCritic, adversarial, critic_loss
from ir_transfer.losses.base import Scene
from ir_transfer.losses.hints import FeatureHints
from ir_transfer.losses.layered import LayeredLoss
from ir_transfer.losses.registry import ADVERSARIAL, HINTS, LAYERED, LOSSES, check_names, needing_judge, needing_truth
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.fixed_looks import FixedLooks
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.nn.thermal.windows import Window
from ir_transfer.training.batches import Batch
from ir_transfer.training.features import FeatureCache
from ir_transfer.training.recipe import Recipe
from ir_transfer.training.views import canonical

_NOTHING = 0.5  # what the critic is shown in place of a photograph that does not belong to the infrared picture


class Objective(nn.Module):
    """The model with the losses of a recipe and the networks that some of them need.

    Args:
        recipe: Names and weights of the losses.
        model: What is trained.
        vgg: The frozen judge, or None.

    Raises:
        InputError: A loss needs what is not there: the judge, an encoder, or a registered truth.
        UnknownNameError: An unknown loss.
    """

    def __init__(self, recipe: Recipe, model: TranslationModel, vgg: PerceptualEncoder | None) -> None:
        super().__init__()
        check_losses(recipe, vgg is not None)
        self.model, self.vgg, self.weights, self.looks = model, vgg, recipe.losses, tuple(recipe.data.looks)
        self.features = FeatureCache(recipe.data.cache_gib)
        self.critic = PatchCritic() if ADVERSARIAL in recipe.losses else None
        self.hints = self._make_hints() if HINTS in recipe.losses else None
        self.layered = LayeredLoss() if LAYERED in recipe.losses else None
        if self.layered is not None and "layer-weights" not in model.info.controls:
            raise InputError(
                f"expected a model with layer weights for losses.{LAYERED}, got {model.info.name!r}: leave it out"
            )

    def _make_hints(self) -> FeatureHints:
        encoder, widths = getattr(self.model, "encoder", None), self.model.hyper_parameters.get("widths")
        if encoder is None or widths is None or self.vgg is None or isinstance(self.model, ThermalModel):
            raise InputError(
                f"expected a model whose encoder learns from the judge for losses.{HINTS}, got "
                f"{self.model.info.name!r}: leave it out; a content encoder is made by ir-transfer distill"
            )
        hints = FeatureHints(widths, self.vgg.widths)
        hints.watch(encoder)
        return hints

    def learned(self) -> list[nn.Parameter]:
        """Return the parameters that the losses train; the critic has an aim of its own."""
        parameters = [*self.model.parameters(), *(self.hints.parameters() if self.hints else ())]
        return [parameter for parameter in parameters if parameter.requires_grad]

    def forward(self, batch: Batch, active: Collection[str]) -> dict[str, Tensor]:
        """Return the weighted losses of a batch by name.

        Args:
            batch: This process's part.
            active: The losses to compute.
        """
        found: dict[str, Tensor] = {}
        scene = None
        if any(name != HINTS for name in active):
            style = self._encode(batch)
            scene = self._scene(batch, style)
            found |= self._compared(batch, scene, active)
            if self.layered is not None and LAYERED in active:
                found[LAYERED] = self.weights[LAYERED] * self.layered(scene, style["layer_weights"])
            if ADVERSARIAL in active:
                found |= self._judged(batch, scene)
        else:
            self.model.encode_content(batch.content)
        # Last: it may be about what the model has just done.
        if (auxiliary := self.model.auxiliary_loss()) is not None:
            found["auxiliary"] = auxiliary
        if scene is not None and torch.is_grad_enabled() and not any(loss.requires_grad for loss in found.values()):
            # A batch without a ground truth, of which no loss has anything to say: a step that moves nothing.
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
        """Return the scene in canonical tone, where neither the exemplar's tone nor its polarity matter."""
        model = self.model
        assert isinstance(model, ThermalModel)
        frozen = not any(parameter.requires_grad for parameter in model.encoder.parameters())
        if frozen and batch.keys is not None:
            features = self.features(model.encoder, batch.content, [tuple(key) for key in batch.keys.tolist()])
        else:
            features = model.encoder(batch.content)
        maps, _ = model.maps(batch.content, features, style)
        output = model.detail.render(batch.content, maps, Window.whole(*batch.content.shape[-2:]))
        shown = (canonical(planes.float()) for planes in (output, maps.thermal))
        return Scene(batch.content, batch.truth, next(shown), self.vgg, next(shown), batch.classes)

    def _translate(self, batch: Batch, style: Mapping[str, Tensor]) -> Scene:
        strength = (~batch.mirrored).float()[:, None]
        output = self.model.translate(batch.content, style, strength, None).float()
        luminance = kornia.color.rgb_to_grayscale(batch.content)
        luminance = torch.where(batch.white_hot[:, None, None, None], luminance, 1 - luminance)
        truth = torch.where(batch.mirrored[:, None, None, None], luminance, batch.truth)
        return Scene(batch.content, truth, output, self.vgg)

    def _encode(self, batch: Batch) -> Mapping[str, Tensor]:
        if not isinstance(self.model, FixedLooks):
            return self.model.encode(batch.exemplar, batch.white_hot)
        numbers = torch.tensor([self.model.looks.index(name) for name in self.looks], device=batch.look.device)
        return self.model.encode_looks(numbers[batch.look], batch.white_hot)

    def _compared(self, batch: Batch, scene: Scene, active: Collection[str]) -> dict[str, Tensor]:
        found = {}
        known = batch.registered | batch.mirrored
        for name, loss in LOSSES.items():
            if name not in active:
                continue
            if loss.sees == "labels":
                if not known.all():
                    found[name] = self.weights[name] * loss(scene.part(~known))
            elif loss.sees != "truth":
                found[name] = self.weights[name] * loss(scene)
            elif known.any():
                found[name] = self.weights[name] * batch.truth_weight * loss(scene.part(known))
        return found

    def _judged(self, batch: Batch, scene: Scene) -> dict[str, Tensor]:
        real = ~batch.mirrored
        if self.critic is None or not real.any():
            return {}
        content = torch.where(batch.registered[:, None, None, None], scene.content, _NOTHING)[real]
        judged = critic_loss(self.critic, content, scene.truth[real], scene.output[real])
        self.critic.requires_grad_(False)
        fooled = adversarial(self.critic, content, scene.output[real])
        self.critic.requires_grad_(True)
        weight = self.weights[ADVERSARIAL] * batch.look_weight
        return {"critic": batch.look_weight * judged, ADVERSARIAL: weight * fooled}


def check_losses(recipe: Recipe, judge: bool) -> None:
    """Refuse losses that do not exist, need a judge that is not there, or a truth that no source has.

    Raises:
        UnknownNameError: An unknown loss, in ``losses`` or ``training.starts``.
        InputError: A loss cannot work.
    """
    check_names([*recipe.losses, *recipe.training.starts])
    if not judge and (names := needing_judge(recipe.losses)):
        raise InputError(
            f"expected --vgg for the losses {', '.join(names)}: pass a file, or 'torchvision' to download it"
        )
    blind = recipe.training.reconstruction == 0 and all(s.pairing == "unpaired" for s in recipe.data.sources)
    if blind and (names := needing_truth(recipe.losses)):
        raise InputError(
            f"expected losses that need no registered truth, for all data.sources are unpaired, got "
            f"{', '.join(names)}: leave them out, add a paired source, or --set training.reconstruction=0.1"
        )
