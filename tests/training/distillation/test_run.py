from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError, MissingFileError, UnknownNameError
from ir_transfer.models.encoder_files import load_encoder
from ir_transfer.nn.content_encoder import ContentEncoder
from ir_transfer.training import checkpoint
from ir_transfer.training.distillation import distill
from ir_transfer.training.distillation.agreement import measure_agreement
from ir_transfer.training.distillation.distill import Distillation
from ir_transfer.training.distillation.imagenet import WIDTHS
from ir_transfer.training.distillation.labelled_images import LabelledImage
from ir_transfer.training.distillation.recipe import load_distillation
from ir_transfer.training.distillation.run import CARD, CHECKPOINT, WEIGHTS, night_names, run_distillation
from tests.training.distillation.labelled import recipe_of, use_small_encoders, write_labelled
from tests.training.views_of import painted

NAMES = ["a", "b", "c", "d", "held_day", "held_night"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_encoders(monkeypatch)


def photographs(count: int = 3) -> list[LabelledImage]:
    found = []
    for seed in range(count):
        photograph, _, labels = painted(seed=seed)
        found.append(LabelledImage(Path(f"{seed}.png"), photograph, labels))
    return found


def states(distillation: Distillation) -> dict[str, Tensor]:
    parts = {"model": distillation.encoder, "average": distillation.average}
    return {f"{name}.{key}": value for name, part in parts.items() for key, value in part.state_dict().items()}


def test_few_steps_lower_the_loss_and_the_error(tmp_path: Path) -> None:
    lines: list[str] = []
    photos = photographs()
    distillation = Distillation(recipe_of(steps=100, batch_size=3, darkened=0.0, ema=0.9), photos, lines.append)
    before = measure_agreement(distillation.average.folded(), photos).pixels
    distillation.run(tmp_path / "checkpoint.pt")
    losses = [float(line.split("classes ")[1].split()[0]) for line in lines]
    assert len(losses) == 2
    assert losses[1] < 0.9 * losses[0] < 0.9 * np.log(11) + 0.5
    assert measure_agreement(distillation.average.folded(), photos).pixels > before + 0.2


def test_initial_encoder_is_recorded_and_kept_on_resume(tmp_path: Path) -> None:
    photos = photographs()
    trained = Distillation(recipe_of(steps=30), photos, lambda _: None)
    trained.run(tmp_path / "first.pt")
    begun = trained.average.folded()
    further = Distillation(recipe_of(steps=1, lr=1e-9), photos, lambda _: None, begun, "the encoder of commit abc")
    images = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(further.average.folded()(images).logits, begun(images).logits, atol=1e-4, rtol=1e-3)
    further.save(tmp_path / "second.pt")
    again = Distillation(recipe_of(), photos, lambda _: None)
    again.load(tmp_path / "second.pt")
    assert again.begun == "the encoder of commit abc"


def test_glare_has_its_share() -> None:
    distillations = [Distillation(recipe_of(glare=share), photographs(), lambda _: None) for share in (0.0, 1.0)]
    without, glaring = (distillation._draw(0)[1][0] for distillation in distillations)
    assert (glaring >= without).all()
    assert glaring.mean() > without.mean() + 0.02


def test_resumed_run_is_bit_identical(tmp_path: Path) -> None:
    recipe, photos = recipe_of(steps=7), photographs()
    whole = Distillation(recipe, photos, lambda _: None)
    whole.run(tmp_path / "whole.pt")
    first = Distillation(recipe, photos, lambda _: None)
    while first.step < 3:
        first._learn(*first._draw(first.step))
        first.step += 1
    first.save(tmp_path / "part.pt")
    second = Distillation(replace(recipe, seed=0), photos, lambda _: None)
    torch.rand(7)  # whatever else draws
    second.load(tmp_path / "part.pt")
    assert second.step == 3
    second.run(tmp_path / "part.pt")
    expected, found = states(whole), states(second)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name
    saved, other = checkpoint.load(tmp_path / "whole.pt"), checkpoint.load(tmp_path / "part.pt")
    assert saved["step"] == other["step"] == 7


def test_average_follows_weights_and_normalisation_moments() -> None:
    distillation = Distillation(recipe_of(ema=0.5), photographs(), lambda _: None)
    for step in range(4):
        distillation.step = step + 100  # past the decay of a young average
        before = {key: value.clone() for key, value in states(distillation).items()}
        distillation._learn(*distillation._draw(step))
        after = states(distillation)
        for key, value in after.items():
            name = key.removeprefix("average.")
            if name == key:
                continue
            current = after[f"model.{name}"]
            wanted = 0.5 * before[key] + 0.5 * current if value.is_floating_point() else current
            torch.testing.assert_close(value, wanted)


def test_learning_rate_warms_up_and_decays_to_1_percent() -> None:
    distillation = Distillation(recipe_of(steps=200), photographs(), lambda _: None)
    rates = []
    for step in range(200):
        distillation.step = step
        rates.append(distillation._rate())
    assert rates[0] == pytest.approx(1 / 6)
    assert max(rates) == rates[6] == 1
    assert rates[103] == pytest.approx(0.505, abs=0.01)
    assert rates[-1] == pytest.approx(0.01, abs=1e-3)


def test_positions_without_labels_are_ignored() -> None:
    distillation = Distillation(recipe_of(class_weights=[5.0] + [1.0] * 10), photographs(), lambda _: None)
    logits, labels = torch.randn(2, 11, 4, 4), torch.zeros(2, 11, 4, 4)
    labels[:, 7, :2] = 1
    right = distillation._classes(logits[:, :, :2], labels[:, :, :2])
    torch.testing.assert_close(distillation._classes(logits, labels), right)
    assert distillation._classes(logits, torch.zeros_like(labels)) == 0


def test_rare_classes_are_weighted() -> None:
    logits, labels = torch.randn(2, 11, 4, 4), torch.zeros(2, 11, 4, 4)
    labels[:, 7], labels[0, 7, 0, 0], labels[0, 1, 0, 0] = 1, 0, 1
    weights = [1.0, 5.0, *[1.0] * 9]
    distillation = Distillation(recipe_of(class_weights=weights), photographs(), lambda _: None)
    entropies = torch.nn.functional.cross_entropy(logits, labels.argmax(1), reduction="none")
    expected = (entropies.sum() + 4 * entropies[0, 0, 0]) / (32 + 4)
    torch.testing.assert_close(distillation._classes(logits, labels), expected)


class Teacher(nn.Module):
    """Features that encode the colours of cells."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.colours = nn.ModuleList(nn.Conv2d(3, width, 1) for width in WIDTHS)
        self.shown: list[Tensor] = []

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        self.shown.append(images)
        pooled = (nn.functional.avg_pool2d(images, stride) for stride in (4, 8, 16, 32))
        return tuple(colour(part).detach() for colour, part in zip(self.colours, pooled, strict=True))


def test_target_features_are_those_of_the_clean_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distill, "ImageNetFeatures", Teacher)
    recipe = recipe_of(features=1.0, steps=8)
    distillation = Distillation(recipe, photographs(), lambda _: None)
    clean, degraded, labels = distillation._draw(0)
    assert not torch.equal(clean, degraded)
    first = distillation._learn(clean, degraded, labels)
    assert isinstance(distillation.teacher, Teacher)
    assert torch.equal(distillation.teacher.shown[0], clean)
    assert first["features"] > 0.3
    losses = [distillation._learn(*distillation._draw(0))["features"] for _ in range(25)]
    assert losses[-1] < 0.9 * first["features"]
    distillation.save(tmp_path / "checkpoint.pt")
    again = Distillation(recipe, photographs(), lambda _: None)
    again.load(tmp_path / "checkpoint.pt")
    assert again.hints is not None
    assert distillation.hints is not None
    for one, other in zip(again.hints.state_dict().values(), distillation.hints.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_a_run_writes_weights_and_card(tmp_path: Path) -> None:
    write_labelled(tmp_path, NAMES)
    (tmp_path / "index.csv").write_text("file,kind\nsub/held_night.png,night\nphotos/a.png,day\n")
    lines: list[str] = []
    recipe = recipe_of(night="index.csv")
    weights, card = run_distillation(recipe, tmp_path, tmp_path / "run", log=lines.append)
    assert (weights, card) == (tmp_path / "run" / WEIGHTS, tmp_path / "run" / CARD)
    assert lines[0] == "4 RGB images to train on, 2 held out"
    encoder = ContentEncoder((8, 8, 12, 16, 16), (0, 1, 1, 1, 1), 16)
    load_encoder(encoder, weights)
    text = card.read_text()
    assert "| day (1) | day, darkened (1) | night (1) |" in text
    assert "on 4 RGB images with soft class labels in 6 steps of 3 crops of 64 pixels" in text
    assert "EfficientNet" not in text, "no feature targets were used"
    day = [photo for photo in photographs(6) if photo.path.name == "4.png"]
    pixels = measure_agreement(encoder.eval(), day).pixels
    assert f"| pixels | {pixels:.3f} |" in text
    assert len([line for line in text.splitlines() if line.startswith("| ")]) == 4 + 11


def test_held_out_images_are_not_trained_on(tmp_path: Path) -> None:
    """Their content does not affect the weights, whereas that of training images does."""
    found = {}
    for case, (changed, whole_source) in {
        "plain": ("", False), "held": ("held_day", False), "learned": ("a", False), "source": ("", True)
    }.items():  # fmt: skip
        root = write_labelled(tmp_path / case, NAMES)
        if changed:
            photograph = (root / "photos" / f"{changed}.png").read_bytes()
            other = (root / "photos" / "b.png").read_bytes()
            assert photograph != other
            (root / "photos" / f"{changed}.png").write_bytes(other)
        recipe = recipe_of(steps=6)
        if whole_source:
            write_labelled(root / "more", ["x", "y"])
            measured = replace(recipe.sources[0], photographs="more/photos", labels="more/labels", held_back=True)
            recipe = replace(recipe, sources=[*recipe.sources, measured])
        run_distillation(recipe, root, root / "run", log=lambda _: None)
        found[case] = checkpoint.load(root / "run" / CHECKPOINT)["model"]["classify.weight"]
    assert torch.equal(found["held"], found["plain"])
    assert torch.equal(found["source"], found["plain"])
    assert not torch.equal(found["learned"], found["plain"])


def test_a_run_resumes_from_its_folder(tmp_path: Path) -> None:
    write_labelled(tmp_path, NAMES)
    lines: list[str] = []
    run_distillation(recipe_of(steps=3), tmp_path, tmp_path / "run", log=lines.append)
    run_distillation(recipe_of(steps=5), tmp_path, tmp_path / "run", resume=True, log=lines.append)
    assert "resumed at step 3" in lines
    assert checkpoint.load(tmp_path / "run" / CHECKPOINT)["step"] == 5


def test_empty_training_or_validation_set_is_rejected(tmp_path: Path) -> None:
    write_labelled(tmp_path, ["a", "b"])
    with pytest.raises(InputError, match="got 2 and 0: correct held_back"):
        run_distillation(recipe_of(), tmp_path, tmp_path / "run")
    with pytest.raises(InputError, match="got 0 and 2"):
        run_distillation(recipe_of(held_back_sequences=["a", "b"]), tmp_path, tmp_path / "run")


def test_list_of_night_images(tmp_path: Path) -> None:
    path = tmp_path / "index.csv"
    with pytest.raises(MissingFileError, match=r"index\.csv"):
        night_names(path)
    path.write_text("file,licence\na.jpg,x\n")
    with pytest.raises(InputError, match="none of kind"):
        night_names(path)
    path.write_text("kind,file\nnight,various/a.jpg\nday,b.jpg\n")
    assert night_names(path) == {"a.jpg"}


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("steps: 0", InputError, "steps in .* to be 1 or more, got 0"),
        ("crop: 100", InputError, "crop in .* multiple of 32"),
        ("class_weights: [1, 2]", InputError, "class_weights in .* to be 11, got 2"),
        ("batch_size: 1", InputError, "batch_size"),
        ("ema: 1.0", InputError, "ema"),
        ("step: 3", UnknownNameError, "step"),
    ],
)
def test_errors_name_file_and_key(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"sources: [{{photographs: a, labels: b}}]\n{text}\n")
    with pytest.raises(error, match=message) as caught:
        load_distillation(path)
    assert "recipe.yaml" in str(caught.value)
