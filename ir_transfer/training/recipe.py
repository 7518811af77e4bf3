"""Fields of a training recipe, a YAML file; :mod:`ir_transfer.training.recipe_files` reads and writes it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

VIEW_SHARES = ("degraded", "glare", "shuffled")  # shares of the views that ``data.starts`` may begin later


@dataclass(frozen=True)
class ModelSection:
    """Model section of a recipe.

    Attributes:
        name: Name in the registry.
        hyper_parameters: Constructor arguments.
        encoder: Weights of the frozen encoder of RGB images: ``content-encoder`` or a file of ``ir-transfer distill``
            for compact systems, whose features of every view are then computed once; a published VGG-19 or
            ``torchvision`` for systems of the paper's size. Null trains the encoder too.
    """

    name: str
    hyper_parameters: dict[str, Any] = field(default_factory=dict)
    encoder: str | None = None


@dataclass(frozen=True)
class Source:
    """A set of images to train on. Paths are relative to the data root, or absolute.

    Attributes:
        path: Folder to which the card's paths are relative; without a card it contains ``rgb/`` and ``ir/``. With
            ``infrared`` and without a card, it is the folder of RGB images itself.
        share: Number of draws per RGB image, relative to the other sources.
        max_width: Width in pixels to which larger images are reduced.
        pairing: ``paired`` has a registered infrared image of the same stem for every RGB image; ``unpaired``
            has RGB images and infrared images of other scenes, whose style is learned without a ground truth.
        infrared: Folder of the infrared images of an unpaired source, if it is another one.
        card: Name or path (.yaml) of a data set card, which describes folder layout, band and polarity.
        split: File of ``ir-transfer datasets split``, of which one subset is used.
        part: Name of the subset, in ``split`` or as published with the set. Null uses all images.
        infrared_card: Card of ``infrared``; without one it is a plain folder of images.
        licence: Source and licence of the images, for the card of the weights; null uses the data set card's.
        labels: Folder of soft label files ``<stem>.png`` of the RGB images; see :mod:`ir_transfer.labels.soft_labels`.
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
        name: Part of the names of its scores, ``validation/<name>/<column>``; letters, digits, ``_``, ``.`` and ``-``.
        path: Like that of a paired source; the folder of RGB images itself if unpaired and without a card.
        exemplars: White-hot infrared images of the set's band and time of day, used one at a time. If empty, two
            typical images are chosen: of the set's ground truths, or of the first source if unpaired.
        labels: Folder of soft class labels, see :mod:`ir_transfer.labels.soft_labels`; null uses ``labels/<path>``
            below the data root if it exists.
        every: Only every n-th image of the set is validated on; if the set is also a source, these images are excluded
            from training.
        pairing: ``unpaired`` if there is no ground truth: the output is compared with the exemplar.
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
    """Data section of a recipe.

    Attributes:
        band: Band of the infrared images; cards must have the same.
        sources: Sets to train on, paired or unpaired in any combination.
        validation: Pair set below the data root that is never trained on; a folder of RGB images if unpaired. No
            scene or image of it may be in a source. With the other keys ``validation_...`` it abbreviates one entry
            of ``validations``.
        validation_every: Only every n-th image of that set is validated on; if the set is also a source, these images
            are excluded from training.
        validation_exemplar: Infrared image below the data root, the exemplar of the validation; null uses two typical
            ones, see :class:`ValidationSet`.
        validation_pairing: ``unpaired`` if there is no ground truth: the output is compared with the exemplar.
        validation_card: Like ``card`` of a source.
        validation_split: Like ``split`` of a source.
        validation_part: Like ``part`` of a source.
        validations: Sets that are never trained on, instead of ``validation``: by day, by night, of another camera. No
            scene or image of them may be in a source.
        looks: White-hot infrared files by name of a style, for models with fixed styles; each style is trained on the
            pairs whose ground truths resemble its files, and an unpaired source needs no infrared images.
        crop: Side of the training crop in pixels. It, tone_spread and flips are only for models that do not work in
            canonical tone.
        view_size: Height and width in pixels of the views for models that work in canonical tone, multiples of 32.
        views: Number of views of every image, which recur, so that the features of a frozen encoder are computed
            once; 0 draws new views.
        register: Whether the registration of every pair is refined (ECC on edges, needs opencv), once per run.
        degraded: Share of views whose RGB image is degraded: noise, blur, compression, colours. This and the next
            three are only for models that work in canonical tone.
        darkened: Share of the degraded views whose RGB image is darkened as if taken at night.
        glare: Share of views with saturated lamps and streaks in the RGB image.
        shuffled: Share of views that are cut into squares of 32 or 64 pixels, put together in random order, so that
            colour and texture count for more than the place in the scene.
        starts: First step of ``degraded``, ``glare`` or ``shuffled``, by name; before it the share is 0. Only for new
            views (``views: 0``): views that recur are the same at every step.
        own_exemplar: Share of samples whose exemplar is another crop of their ground truth.
        tone_spread: Strength of the random tone curves.
        flips: Share of samples converted to black-hot.
        workers: Threads that prepare batches ahead of the training.
        cache_gib: Memory for decoded images in GiB; images that do not fit are decoded at every use.
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
    views: int = 0
    register: bool = False
    degraded: float = 0.4
    darkened: float = 0.0
    glare: float = 0.0
    shuffled: float = 0.0
    starts: dict[str, int] = field(default_factory=dict)
    own_exemplar: float = 0.3
    tone_spread: float = 1.0
    flips: float = 0.5
    workers: int = 2
    cache_gib: float = 8.0

    @property
    def validation_sets(self) -> list[ValidationSet]:
        """The validation sets; a single one is named after its folder."""
        if self.validations:
            return list(self.validations)
        parts = Path(self.validation).parts[-2:]
        name = re.sub(r"[^\w.-]+", "-", "-".join(parts)).strip("-.") or "set"
        exemplars = [] if self.validation_exemplar is None else [self.validation_exemplar]
        options = {key: getattr(self, f"validation_{key}") for key in ("every", "pairing", "card", "split", "part")}
        return [ValidationSet(name, self.validation, exemplars, **options)]


@dataclass(frozen=True)
class TrainingSection:
    """Training section of a recipe.

    Attributes:
        steps: Number of training steps.
        batch_size: Crops per step, over all processes together.
        lr: Peak learning rate (see :mod:`ir_transfer.training.muon`).
        critic_lr: Learning rate of the critic: constant, with a linear decay to zero over the last ``decay_steps``.
        schedule: Of the learning rate: ``plateau`` is constant with a linear decay over the last ``decay_steps``, so
            that a run may be extended; ``cosine`` decays from the start.
        restarts: Steps at which ``cosine`` starts again, ascending.
        restart_lr: Peak learning rate after a restart, relative to the peak before it.
        warmup_steps: Steps of linear warm-up of a parameter, from its first gradient on.
        decay_steps: Steps of the final decay of ``plateau``.
        weight_decay: Decoupled weight decay of every parameter.
        clip: Largest gradient norm, of the model and of the critic separately.
        ema: Decay of the exponential moving average of the weights, which is validated and exported.
        starts: First step of a loss, by name; texture losses have no benefit before the tone has been learned.
        only: Name patterns of the parameters that are trained; all others are frozen. Empty trains all.
        reconstruction: Share of samples translated at strength 0, whose ground truth is the luminance of the RGB image;
            only for models at their paper's size.
        precision: ``bfloat16`` autocast, or ``float32``, which is used on devices without native bfloat16 in any case.
        validate_every: Steps between validations.
        gates_from: First step at which a validation whose gates fail stops the run (see
            :mod:`ir_transfer.training.gates`); null only reports them.
        patience: Number of validations without improvement after which the run stops; null for no limit.
        checkpoint_minutes: Minutes between checkpoints.
        seed: Seed of all random numbers.
    """

    steps: int = 6000
    batch_size: int = 6
    lr: float = 5e-4
    critic_lr: float = 2e-4
    schedule: Literal["plateau", "cosine"] = "plateau"
    restarts: list[int] = field(default_factory=list)
    restart_lr: float = 1.0
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
