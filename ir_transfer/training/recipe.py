"""Recipes: YAML files that mirror these dataclasses one to one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from ir_transfer.data.image_io import write_whole
from ir_transfer.errors import InputError
from ir_transfer.yaml_fields import fill, read_mapping


@dataclass(frozen=True)
class ModelSection:
    """Which model.

    Attributes:
        name: In the registry.
        hyper_parameters: Constructor arguments.
        encoder: What the encoder of RGB images is filled with and frozen: ``content-encoder`` or a file of
            ``ir-transfer distill`` for compact systems, whose features of every view are then computed once; a
            published VGG-19 or ``torchvision`` for those of the papers' size. Null trains it with the rest.
    """

    name: str
    hyper_parameters: dict[str, Any] = field(default_factory=dict)
    encoder: str | None = None


@dataclass(frozen=True)
class Source:
    """A set of images to learn from. Paths are relative to the data root, or absolute.

    Attributes:
        path: Folder that the card's paths begin at; without a card it has ``rgb/`` and ``ir/``. With ``infrared`` and
            without a card, the folder of RGB images itself.
        share: Draws per RGB image, relative to the other sources.
        max_width: Width in pixels to shrink to.
        pairing: ``paired`` has a registered infrared image of the same stem for every RGB image; ``unpaired``
            has RGB images and infrared images of other scenes, whose look is learned without a ground truth.
        infrared: Folder of the infrared images of an unpaired source, if they lie elsewhere.
        card: How the set lies on disk, its band and polarity: name of a data set card, or the path of one (.yaml).
        split: File of ``ir-transfer datasets split``, one part of which is taken.
        part: Which part: of that file, or of those that the set was published with. Null takes all.
        infrared_card: The card of ``infrared``; without one it is a plain folder of images.
        licence: Source and licence of the images, for the card of the weights; null takes the card's.
        labels: Folder of soft label files ``<stem>.png`` of the RGB images; see :mod:`ir_transfer.data.soft_labels`.
    """

    path: str
    share: float = 1.0
    max_width: int | None = None
    pairing: Literal["paired", "unpaired"] = "paired"
    infrared: str | None = None
    card: str | None = None
    split: str | None = None
    part: str | None = None
    infrared_card: str | None = None
    labels: str | None = None
    licence: str | None = None


@dataclass(frozen=True)
class ValidationSet:
    """A set of images to validate on, with its exemplars. Paths are relative to the data root, or absolute.

    Attributes:
        name: What its figures are called: ``validation/<name>/<column>``; letters, digits, ``_``, ``.`` and ``-``.
        path: Like that of a paired source; the folder of RGB images itself if unpaired and without a card.
        exemplars: Infrared images (white-hot, of the set's own band and time of day) that condition it, each used
            alone. If empty, two typical images are chosen: of its own ground truths, or of the first source if unpaired.
        labels: Folder of soft class labels, see :mod:`ir_transfer.data.soft_labels`; null takes
            ``labels/<path>`` below the data root where there is one.
        every: Every how many-th image of the set validates; if the set is also a source, those images are taken
            out of the training.
        pairing: ``unpaired`` where no ground truth exists: the look is scored against the exemplar.
        card: Like ``card`` of a source.
        split: Like ``split`` of a source.
        part: Like ``part`` of a source.
    """

    name: str
    path: str
    exemplars: list[str] = field(default_factory=list)
    labels: str | None = None
    every: int = 1
    pairing: Literal["paired", "unpaired"] = "paired"
    card: str | None = None
    split: str | None = None
    part: str | None = None


@dataclass(frozen=True)
class DataSection:
    """What is learned from.

    Attributes:
        band: Of the infrared images; cards must agree.
        sources: Sets to train on, paired and unpaired ones mixed as you like.
        validation: Pair set below the data root that is never trained on; a folder of RGB images if unpaired. No
            scene or image of it may be in a source. With the other keys ``validation_...`` it is short for one entry
            of ``validations``.
        validation_every: Every how many-th image of that set validates; if the set is also a source, those
            images are taken out of the training.
        validation_exemplar: Infrared image below the data root that conditions validation; null takes two typical
            ones, see :class:`ValidationSet`.
        validation_pairing: ``unpaired`` where no ground truth exists: the look is scored against the exemplar.
        validation_card: Like ``card`` of a source.
        validation_split: Like ``split`` of a source.
        validation_part: Like ``part`` of a source.
        validations: Sets that are never trained on, instead of ``validation``: by day, by night, of another camera. No
            scene or image of them may be in a source.
        looks: Infrared files (white-hot) by the name of a look, for models that take no exemplars; each look learns
            from the pairs whose ground truths resemble its files, and an unpaired source needs no infrared of its own.
        crop: Side of the training crop in pixels.
        view_size: Height and width in pixels of the views that canonical models learn from, multiples of 32.
        views: Views of every image, each of which returns, so that a frozen encoder sees it once; 0 draws new ones.
        register: Whether the registration of every pair is refined (ECC on edges, needs opencv), once a run.
        own_exemplar: Share of samples whose exemplar is another crop of their own ground truth.
        tone_spread: Strength of the random tone curves.
        flips: Share of samples turned black-hot.
        workers: Threads that prepare batches ahead of the training.
        cache_gib: Decoded images kept in memory, in GiB; what does not fit is decoded again at every use.
    """

    band: Literal["lwir", "mwir", "swir", "nir"]
    sources: list[Source]
    validation: str = ""
    validation_exemplar: str | None = None
    validation_every: int = 1
    validation_pairing: Literal["paired", "unpaired"] = "paired"
    validation_card: str | None = None
    validation_split: str | None = None
    validation_part: str | None = None
    validations: list[ValidationSet] = field(default_factory=list)
    looks: dict[str, list[str]] = field(default_factory=dict)
    crop: int = 192
    view_size: list[int] = field(default_factory=lambda: [256, 320])
    views: int = 6
    register: bool = False
    own_exemplar: float = 0.3
    tone_spread: float = 1.0
    flips: float = 0.5
    workers: int = 2
    cache_gib: float = 8.0

    @property
    def validation_sets(self) -> list[ValidationSet]:
        """The sets that validate; the single one is named by its folder."""
        if self.validations:
            return list(self.validations)
        parts = Path(self.validation).parts[-2:]
        name = re.sub(r"[^\w.-]+", "-", "-".join(parts)).strip("-.") or "set"
        exemplars = [] if self.validation_exemplar is None else [self.validation_exemplar]
        options = {key: getattr(self, f"validation_{key}") for key in ("every", "pairing", "card", "split", "part")}
        return [ValidationSet(name, self.validation, exemplars, **options)]


@dataclass(frozen=True)
class TrainingSection:
    """How it is learned.

    Attributes:
        steps: Length of the training.
        batch_size: Crops per step, over all processes together.
        lr: Peak learning rate (see :mod:`ir_transfer.training.muon`).
        critic_lr: Of the critic of ``adversarial``: constant, then linear to zero over the last ``decay_steps``.
        schedule: Of the learning rate: ``plateau`` holds it and lets it fall linearly over the last
            ``decay_steps``, so that a run may be lengthened; ``cosine`` lets it fall from the start.
        warmup_steps: Steps of linear warm-up of a parameter, from its first gradient on.
        decay_steps: Steps of the final decay of ``plateau``.
        weight_decay: Decoupled, of every parameter.
        clip: Largest gradient norm: of what the losses train, and of the critic by itself.
        ema: Decay of the weight average that is validated and shipped.
        starts: First step of a loss, by name: those that judge texture only disturb while the tone is not there.
        only: Patterns of the names of the parameters that learn; all others stay. Empty trains all.
        reconstruction: Share of samples translated at strength 0, whose ground truth is the luminance of the RGB image;
            only for models at their paper's size.
        precision: ``bfloat16`` autocast, or ``float32``, which a machine that only imitates bfloat16 takes anyway.
        validate_every: Steps between validations.
        gates_from: First step at which a validation whose gates fail stops the run (see
            :mod:`ir_transfer.training.gates`); null only reports them.
        patience: Validations without a better one after which the run stops; null never stops it.
        checkpoint_minutes: Minutes between checkpoints.
        seed: Of everything that is random.
    """

    steps: int = 6000
    batch_size: int = 6
    lr: float = 5e-4
    critic_lr: float = 2e-4
    schedule: Literal["plateau", "cosine"] = "plateau"
    warmup_steps: int = 200
    decay_steps: int = 1500
    weight_decay: float = 0.02
    clip: float = 1.0
    ema: float = 0.998
    starts: dict[str, int] = field(default_factory=dict)
    only: list[str] = field(default_factory=list)
    reconstruction: float = 0.0
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    validate_every: int = 500
    gates_from: int | None = None
    patience: int | None = None
    checkpoint_minutes: float = 5.0
    seed: int = 0


@dataclass(frozen=True)
class Recipe:
    """A training run: model, data, loss weights by name, training."""

    model: ModelSection
    data: DataSection
    losses: dict[str, float]
    training: TrainingSection = field(default_factory=TrainingSection)


def load_recipe(path: Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Read a recipe; an override is a dotted key with a YAML value, as in ``{"training.lr": "1e-4"}``.

    Raises:
        MissingFileError: No such file.
        InputError: Not a YAML mapping, a value of the wrong type, or one out of range.
        UnknownNameError: An unknown key; the message has the closest names.
    """
    raw = read_mapping(path, "recipe", "see configs/train")
    for dotted, text in (overrides or {}).items():
        *parents, leaf = dotted.split(".")
        node = raw
        for parent in parents:
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                raise InputError(f"expected {parent!r} in --set {dotted}=... to have keys, got {node!r}: see {path}")
        try:
            node[leaf] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise InputError(f"expected a YAML value in --set {dotted}={text}, got: {error}") from error
    recipe = fill(Recipe, raw, str(path))
    _check(recipe, str(path))
    return recipe


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe with every default spelled out; :func:`load_recipe` gives it back."""
    write_whole(path, yaml.safe_dump(asdict(recipe), sort_keys=False, allow_unicode=True).encode())


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the dotted keys whose values differ in two nested mappings, with both values."""
    old, new = flatten(before), flatten(after)
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return [f"{key}: {old.get(key)!r} -> {new.get(key)!r}" for key in keys]


def _check(recipe: Recipe, where: str) -> None:
    data, training = recipe.data, recipe.training
    for key, value in flatten(asdict(recipe)).items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"expected {key} in {where} to be finite, got {value}: correct it")
    rules = {
        "data.sources": (len(data.sources), bool(data.sources), "one or more"),
        "data.crop": (data.crop, data.crop >= 32, "32 or more"),
        "data.view_size": (data.view_size, _is_view_size(data.view_size), "height and width, multiples of 32"),
        "data.views": (data.views, data.views >= 0, "0 or more"),
        "data.own_exemplar": (data.own_exemplar, 0 <= data.own_exemplar <= 1, "a share from 0 to 1"),
        "data.validation_every": (data.validation_every, data.validation_every >= 1, "1 or more"),
        "training.gates_from": (training.gates_from, training.gates_from is None or training.gates_from >= 0, ">= 0"),
        "data.workers": (data.workers, data.workers >= 1, "1 or more"),
        "data.flips": (data.flips, 0 <= data.flips <= 1, "a share from 0 to 1"),
        "training.steps": (training.steps, training.steps >= 1, "1 or more"),
        "training.batch_size": (training.batch_size, training.batch_size >= 1, "1 or more"),
        "training.lr": (training.lr, training.lr > 0, "more than 0"),
        "training.critic_lr": (training.critic_lr, training.critic_lr > 0, "more than 0"),
        "training.clip": (training.clip, training.clip > 0, "more than 0"),
        "training.ema": (training.ema, 0 <= training.ema < 1, "from 0 to below 1"),
        "training.reconstruction": (training.reconstruction, 0 <= training.reconstruction <= 1, "a share from 0 to 1"),
        "training.validate_every": (training.validate_every, training.validate_every >= 1, "1 or more"),
        "training.patience": (training.patience, training.patience is None or training.patience >= 1, "1 or more"),
    }
    for key, (value, good, wanted) in rules.items():
        if not good:
            raise InputError(f"expected {key} in {where} to be {wanted}, got {value}: correct it, or --set {key}=...")
    _check_validations(data, where)
    for index, source in enumerate(data.sources):
        if source.share <= 0:
            raise InputError(f"expected data.sources[{index}].share in {where} to be more than 0, got {source.share}")
        if source.infrared is not None and source.pairing == "paired":
            raise InputError(
                f"expected no 'infrared' in data.sources[{index}] of {where}, which is paired: its infrared images "
                f"are {source.path}/ir; write 'pairing: unpaired' if it has no registered ground truth"
            )
        if source.infrared_card is not None and source.infrared is None:
            raise InputError(
                f"expected 'infrared' beside 'infrared_card' in data.sources[{index}] of {where}, found none: "
                "name the folder that the card is of, or write 'card'"
            )


def _is_view_size(size: list[int]) -> bool:
    return len(size) == 2 and all(side >= 32 and side % 32 == 0 for side in size)


def _check_validations(data: DataSection, where: str) -> None:
    if bool(data.validation) == bool(data.validations):
        both = "both" if data.validation else "neither"
        raise InputError(f"expected data.validation or data.validations in {where}, got {both}: write one of them")
    names = [chosen.name for chosen in data.validations]
    if bad := [name for name in names if not re.fullmatch(r"[\w.-]+", name) or names.count(name) > 1]:
        raise InputError(
            f"expected names of data.validations in {where} that differ and have letters, digits, '_', '.' and '-' "
            f"only, got {bad[0]!r}: rename it"
        )
    if low := [chosen for chosen in data.validations if chosen.every < 1]:
        raise InputError(f"expected 'every' of the validation {low[0].name} in {where} to be 1 or more: correct it")


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping with dotted keys; a list stays a value.

    Example:
        >>> flatten({"training": {"lr": 0.1}})
        {'training.lr': 0.1}
    """
    if isinstance(value, Mapping) and value:
        return {k: v for key, inner in value.items() for k, v in flatten(inner, f"{prefix}.{key}".lstrip(".")).items()}
    return {prefix: value}
