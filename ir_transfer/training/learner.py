"""Networks of a training, their optimisers, and the moving average of the weights."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError, WeightsError
from ir_transfer.json_files import json_text
from ir_transfer.losses.registry import ADVERSARIAL
from ir_transfer.models import weight_files
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.capabilities import encoder_of
from ir_transfer.models.fixed_styles import FixedStyles
from ir_transfer.models.registry import create_model, list_models, model_info
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.nn.precision import bfloat16_is_fast
from ir_transfer.training.batches import Batch
from ir_transfer.training.muon import Muon
from ir_transfer.training.objective import Objective
from ir_transfer.training.processes import Processes
from ir_transfer.training.recipe import Recipe
from ir_transfer.training.schedule import WarmUp, critic_rate, learning_rate


class NotFiniteError(InputError):
    """A loss is NaN or infinite."""


def _make_model(recipe: Recipe, root: Path) -> TranslationModel:
    """Create the recipe's model with random weights, and with a frozen content encoder if the recipe specifies one."""
    model = _make_random(recipe)
    if recipe.model.encoder is not None:
        source = recipe.model.encoder
        file = root / source  # else a bundled encoder, or torchvision's
        encoder_of(model).take_encoder(file if file.is_file() else source)
    return model


def _make_random(recipe: Recipe) -> TranslationModel:
    hyper_parameters, looks = recipe.model.hyper_parameters, list(recipe.data.looks)
    if "looks" not in model_info(recipe.model.name).controls:
        if looks:
            raise InputError(
                f"expected no data.looks in the recipe of model {recipe.model.name!r}, which takes exemplars, got "
                f"{', '.join(looks)}: omit them"
            )
        return create_model(recipe.model.name, weights=None, **hyper_parameters)
    if not looks:
        raise InputError(
            f"expected data.looks in the recipe of model {recipe.model.name!r}, which takes no exemplars, got none: "
            "list infrared files by style name, as in looks: {mine: [exemplar.png]}"
        )
    known = hyper_parameters.get("looks", looks)
    if missing := [name for name in looks if name not in known]:
        raise InputError(
            f"expected model.hyper_parameters.looks to list all of data.looks, got none of {', '.join(missing)}: add it"
        )
    return create_model(recipe.model.name, weights=None, **{**hyper_parameters, "looks": known})


def _freeze(model: TranslationModel, only: Sequence[str]) -> None:
    """Freeze all parameters whose names match no pattern; none if there are no patterns."""
    if not only:
        return
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(any(fnmatch(name, pattern) for pattern in only))
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise InputError(
            f"expected training.only to match a parameter of model {model.info.name!r}, got {list(only)}: "
            f"their names are {', '.join(name for name, _ in model.named_parameters())[:200]} ..."
        )


def _model_named(weights: str, default: str) -> str:
    """Return the name of the model of weights, given by file or bundled name."""
    path = Path(weights)
    if path.suffix == ".safetensors" and path.is_file():
        return weight_files.read(path, kind="weights")[1].get("model", default)
    return next((name for name in list_models() if weights in model_info(name).weights), default)


class Learner:
    """Model, critic and hints with their optimisers; updates them on a batch.

    Args:
        recipe: The recipe.
        vgg: Frozen perceptual encoder, or None.
        processes: Processes that train together.
        root: Folder to which the recipe's paths are relative.

    Attributes:
        precision: Of the computation: the recipe's if the device supports it natively, else float32.

    Raises:
        InputError: A loss needs a perceptual encoder, an encoder or a ground truth that is missing.
        UnknownNameError: An unknown loss or model.
    """

    def __init__(
        self, recipe: Recipe, vgg: PerceptualEncoder | None, processes: Processes, root: Path = Path()
    ) -> None:
        self.recipe, self.processes, device = recipe, processes, processes.device
        training = recipe.training
        torch.manual_seed(training.seed)
        self.model = _make_model(recipe, root)
        _freeze(self.model, training.only)
        self.objective = Objective(recipe, self.model, vgg).to(device)
        self.model.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.optimiser = Muon(self.objective.learned(), training.lr, weight_decay=training.weight_decay)
        self.warm_up = WarmUp(self.objective.learned(), training.warmup_steps)
        critic = self.objective.critic
        self.critic_optimiser = (
            torch.optim.AdamW(critic.parameters(), training.critic_lr, betas=(0.5, 0.99)) if critic else None
        )
        self.precision = training.precision if bfloat16_is_fast(device) else "float32"
        self._wrapped: nn.Module | None = None
        self.initialised_from = ""

    # -- state --------------------------------------------------------------------------------------------------

    def _components(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"model": self.model, "average": self.average}
        parts |= {"optimiser": self.optimiser, "warm_up": self.warm_up}
        if self.objective.hints is not None:
            parts["hints"] = self.objective.hints
        if self.objective.layered is not None:
            parts["layered"] = self.objective.layered
        if self.objective.critic is not None:
            parts |= {"critic": self.objective.critic, "critic_optimiser": self.critic_optimiser}
        return parts

    @property
    def section(self) -> dict[str, Any]:
        """The model's name and all its hyper-parameters, including defaults."""
        return {"name": self.model.info.name, "hyper_parameters": self.model.hyper_parameters}

    def state(self) -> dict[str, Any]:
        """Return the state of all parts by name."""
        about = json_text({"model": self.section, "recipe": asdict(self.recipe)})
        return {**{name: part.state_dict() for name, part in self._components().items()}, "about": about}

    def load(self, state: dict[str, Any], path: Path) -> None:
        """Load the state of an earlier run; components added to the recipe since then are initialised.

        Raises:
            WeightsError: The state is of another model; the message names ``path``.
        """
        for name, part in self._components().items():
            if name not in state:
                continue
            try:
                part.load_state_dict(state[name])
            except (RuntimeError, ValueError, KeyError) as error:
                raise WeightsError(
                    f"expected {name!r} of {path} to fit the recipe's model {self.section}, got: "
                    f"{str(error).splitlines()[0]}: resume with the run's own recipe, or choose another --out"
                ) from error

    def set_style_exemplars(self, exemplars: Mapping[str, Sequence[Tensor]]) -> None:
        """Set the exemplars (1, 1, h, w) of the recipe's styles by name, in a model with fixed styles."""
        for model in (self.model, self.average):
            if isinstance(model, FixedStyles):
                for name, found in exemplars.items():
                    model.set_style_exemplars(name, found)

    def initialise(self, weights: str) -> None:
        """Start from trained weights, given by bundled name or file, instead of random ones."""
        trained = create_model(_model_named(weights, self.recipe.model.name), weights)
        self.model.adopt(trained)
        self.initialised_from = f"{weights} ({trained.weights_hash})"
        self.average.adopt(trained)

    # -- one step -----------------------------------------------------------------------------------------------

    def active(self, step: int) -> list[str]:
        """Return the names of the losses that are active at a step."""
        starts = self.recipe.training.starts
        return [name for name, weight in self.recipe.losses.items() if weight and step >= starts.get(name, 0)]

    def losses(self, batch: Batch, step: int, objective: nn.Module | None = None) -> dict[str, Tensor]:
        """Return the weighted losses () of a batch in float32.

        Args:
            batch: On the learner's device.
            step: Decides which losses are active.
            objective: This learner's objective (default), or a wrapper around it.
        """
        with torch.autocast(self.processes.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            found: dict[str, Tensor] = (objective or self.objective)(batch, self.active(step))
        return {name: loss.float() for name, loss in found.items()}

    def learn(self, batch: Batch, step: int) -> dict[str, float]:
        """Update on one batch; return the weighted losses, averaged over all processes.

        Raises:
            NotFiniteError: A loss or gradient is NaN or infinite; nothing has been updated.
        """
        training = self.recipe.training
        if self._wrapped is None:  # not earlier: wrapping copies the weights of the first process to the others
            self._wrapped = self.processes.wrap(self.objective)
        self.processes.seed(training.seed, step)
        losses = self.losses(batch, step, self._wrapped)
        for optimiser in self._optimisers():
            optimiser.zero_grad(set_to_none=True)
        torch.stack([*losses.values()]).sum().backward()  # type: ignore[no-untyped-call]
        norms = [
            nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], training.clip)
            for optimiser in self._optimisers()
        ]
        means = self._means(losses, norms, step)
        _set_rate(self.optimiser, learning_rate(training, step))
        with self.warm_up.scaled_step(step):
            self.optimiser.step()
        if self.critic_optimiser is not None and "critic" in means:
            _set_rate(self.critic_optimiser, critic_rate(training, step))
            self.critic_optimiser.step()
        self._average(min(training.ema, (1 + step) / (10 + step)))
        return means

    def _optimisers(self) -> list[torch.optim.Optimizer]:
        return [self.optimiser, *([self.critic_optimiser] if self.critic_optimiser is not None else [])]

    def _means(self, losses: dict[str, Tensor], norms: Sequence[Tensor], step: int) -> dict[str, float]:
        active = self.active(step)
        names = ["auxiliary", *active, *(["critic"] if ADVERSARIAL in active else [])]
        zero = torch.zeros((), device=self.processes.device)  # another process may have samples for this loss
        means = self.processes.mean(torch.stack([losses.get(name, zero).detach() for name in names]))
        # The only synchronisation with a GPU in a step. The norm of no gradients is on the CPU.
        values: list[float] = torch.stack([*means, *(norm.to(means) for norm in norms)]).tolist()
        found = dict(zip([*names, *("gradient_norm", "critic_gradient_norm")[: len(norms)]], values, strict=True))
        if not all(abs(value) < float("inf") for value in values):
            shown = ", ".join(f"{name} {value:.4g}" for name, value in found.items())
            raise NotFiniteError(f"expected finite losses at step {step}, got {shown}: lower training.lr, --resume")
        return {name: found[name] for name in names}

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        averaged: list[Tensor] = list(self.average.parameters())
        current: list[Tensor] = list(self.model.parameters())
        torch._foreach_lerp_(averaged, current, 1 - decay)
        for kept, buffer in zip(self.average.buffers(), self.model.buffers(), strict=True):
            kept.copy_(buffer)


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
