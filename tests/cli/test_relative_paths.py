"""Every command gives the same result for absolute and relative paths and from another working directory."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from safetensors import safe_open

from ir_transfer.cli import COMMANDS, main
from ir_transfer.conversion.exported import make
from ir_transfer.diagnosis import packages
from ir_transfer.export.metadata import read_metadata
from ir_transfer.local_server import choose_port
from ir_transfer.training.journal import append_event
from tests.ci import needed
from tests.cli.world import build_world
from tests.training.distillation.labelled import use_small_encoders

At = Callable[[str], str]
"""Function from a file name below the root to the path on the command line."""

STYLE = ("--exemplar-polarity", "white-hot", "--threads", "1")


@dataclass(frozen=True)
class Case:
    """A command with paths.

    Attributes:
        arguments: Command-line arguments; results are written below the folder ``OUT``.
        results: Patterns of the files of ``OUT`` that are compared.
        slow: Whether one way of naming files is left out.
        printed: Regular expression of the lines of stdout that are compared.
        code: Expected exit code.
        serves: Path of a page that is read, for a command that serves until it is interrupted.
    """

    arguments: Callable[[At], list[str]]
    results: tuple[str, ...] = ()
    slow: bool = False
    printed: str = ""
    code: int = 0
    serves: str = ""


CASES: dict[str, Case] = {
    "convert": Case(
        lambda at: [
            "convert", at("photos"), at("list.txt"), "--style", at("a.png"), "--style", at("b.png"), "--style-mask",
            at("left.png"), "--style-mask", at("masks"), "--fit-masks", "--model", "histogram", "--sensor",
            at("mine.yaml"), "--preview", *STYLE, "-o", at("OUT/made"),
        ],
        ("**/*.png", "made/manifest.jsonl"),
    ),
    "convert beside the input": Case(
        lambda at: [
            "convert", at("OUT/photos"), "--style", at("OUT/saved.safetensors"), "--config", at("mine.toml"), *STYLE,
        ],
        ("photos_ir/**/*.png", "photos_ir/manifest.jsonl"),
    ),
    "convert with label maps": Case(
        lambda at: [
            "convert", at("photos"), "--style", at("a.png"), "--content-masks", at("maps"), "--exemplar-masks",
            at("a-map.png"), "--fit-masks", "--model", "wct2", "--weights", at("wct2.safetensors"), *STYLE,
            "-o", at("OUT/made"),
        ],
        ("made/*.png", "made/manifest.jsonl"),
    ),
    "video": Case(
        lambda at: [
            "video", at("frames"), "--style", at("a.png"), "--model", "histogram", *STYLE, "-o", at("OUT/video"),
        ],
        ("video/*.png", "video/manifest.jsonl"),
    ),
    "reconstruct": Case(
        lambda at: [
            "reconstruct", "--content", at("photos/0.png"), "--weights", at("gatys.safetensors"), "--layer", "conv1_1",
            "--side", "16", "--option", "steps=1", "-o", at("OUT/deep/image.png"),
        ],
        ("**/*.png",),
    ),
    "styles build": Case(
        lambda at: [
            "styles", "build", at("a.png"), at("b.png"), "--model", "adain", "--weights", at("small-adain.safetensors"),
            "--exemplar-polarity", "white-hot", "-o", at("OUT/style.safetensors"),
        ],
        ("*.safetensors",),
    ),
    "dataset": Case(
        lambda at: [
            "dataset", at("yolo"), "--style", at("a.png"), "--rule", f"night={at('b.png')}", "--model", "histogram",
            "--heat", "person=+0.2", *STYLE, "-o", at("OUT/ir"),
        ],
        ("ir/**/*.png", "ir/**/*.txt", "ir/data.yaml", "ir/manifest.jsonl", "ir/README.md"),
    ),
    "dataset verify": Case(lambda at: ["dataset", "verify", at("whole"), "--source", at("yolo")]),
    "dataset verify without its source": Case(lambda at: ["dataset", "verify", at("whole")]),
    "dataset merge": Case(
        lambda at: ["dataset", "merge", at("part2"), at("part1"), "-o", at("OUT/ir")],
        ("**/*.png", "**/*.txt", "ir/data.yaml", "ir/manifest.jsonl", "ir/README.md"),
    ),
    "sensors": Case(lambda at: ["sensors", at("mine.yaml")]),
    "datasets check": Case(
        lambda at: [
            "datasets", "check", "generic-paired", "--root", at("pairs"), "--split", at("split.json"), "-o",
            at("OUT/report"),
        ],
        ("report/*.png", "report/*.json"),
    ),
    "datasets split": Case(
        lambda at: [
            "datasets", "split", "generic-paired", "--root", at("pairs"), "--scene", r"^scene_(\d+)", "--val", "0.25",
            "-o", at("OUT/parts/split.json"),
        ],
        ("parts/split.json",),
    ),
    "datasets render": Case(
        lambda at: ["datasets", "render", at("OUT/scenes"), "--count", "1", "--size", "64x64"], ("**/*.png",)
    ),
    "train": Case(
        lambda at: [
            "train", at("recipe.yaml"), "--data", at(""), "--init", at("small-adain.safetensors"), "--set",
            "training.steps=1", "--no-tracking", "-o", at("OUT/run"),
        ],
        ("run/recipe.yaml",),
        slow=True,
    ),
    "distill": Case(
        lambda at: ["distill", at("distill.yaml"), "--data", at("labelled"), "-o", at("OUT/run")],
        ("run/encoder.safetensors",),
        slow=True,
    ),
    "evaluate": Case(
        lambda at: [
            "evaluate", "--data", at("street"), "--exemplar", at("street/exemplar.png"), "--models", "fda", "--outputs",
            f"other={at('street/ir')}", "--boxes", at("street/boxes.json"), "--vgg", at("street/vgg.safetensors"),
            "--no-tracking", "-o", at("OUT/table"),
        ],
        ("table/table.csv", "table/sheet.png"),
        slow=True,
    ),
    "export": Case(
        lambda at: [
            "export", "adain", "--weights", at("small-adain.safetensors"), "--style", at("a.png"),
            "--exemplar-polarity", "white-hot", "--threads", "1", "-o", at("OUT/model.onnx"),
        ],
        ("model.onnx",),
        slow=True,
    ),
    "benchmark": Case(
        lambda at: [
            "benchmark", "--models", "gray", "--sizes", "64", "--rounds", "1", "--no-memory", "-o", at("OUT/t.json"),
        ]
    ),
    "models registered": Case(lambda at: ["models", "registered", "--tracking-uri", f"sqlite:///{at('store.db')}"]),
    "runs list": Case(lambda at: ["runs", "list", "--tracking-uri", f"sqlite:///{at('store.db')}"]),
    "runs deliver": Case(
        lambda at: ["runs", "deliver", at("OUT/quiet"), "--tracking-uri", f"sqlite:///{at('OUT/store.db')}"]
    ),
    "models promote": Case(
        lambda at: [
            "models", "promote", "adain-lwir", "--data", at("street"), "--exemplar", at("street/exemplar.png"), "--vgg",
            at("street/vgg.safetensors"), "--tracking-uri", f"sqlite:///{at('OUT/registered.db')}", "--device", "cpu",
        ],
        slow=True, printed="^MLflow run .* at (.*)|^adain-lwir version 1: (.*)",
    ),
    "app": Case(
        lambda at: ["app", "--no-browser", "--config", at("OUT/serve.toml")], serves="/theme.css",
    ),
    "review": Case(
        lambda at: [
            "review", "--no-browser", "--tracking-uri", f"sqlite:///{at('store.db')}", "--config", at("OUT/serve.toml"),
        ],
        serves="/api/2.0/mlflow/experiments/get-by-name?experiment_name=ir-transfer",
    ),
    "doctor": Case(
        lambda at: ["doctor", "--config", at("doctor.toml")], slow=True, printed=" converted twice .* on cpu"
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """A folder with all inputs of the commands."""
    return build_world(tmp_path_factory.mktemp("relative") / "world", empty_database)


@dataclass
class Way:
    """A way to name the files of a root: form of the paths and working directory."""

    root: Path
    name: str
    empty_database: Path
    port: int = 0

    @property
    def out(self) -> Path:
        """Folder of the results, with the files that some commands expect there."""
        return self.root / f"out of {self.name}"

    @property
    def prefix(self) -> str:
        """Prefix of a name."""
        return {"absolute": f"{self.root}/", "relative": "", "parent": f"../{self.root.name}/"}[self.name]

    def at(self, name: str) -> str:
        """Return the path of a file as given on the command line; an empty name is the root itself."""
        typed = self.prefix + name.replace("OUT", self.out.name)
        return typed or "."

    def prepare(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Recreate the folder of the results and enter the working directory."""
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.copytree(self.root / "photos", self.out / "photos")
        self.port = choose_port(None, 7900)
        (self.out / "serve.toml").write_text(f"[app]\nport = {self.port}\n[review]\nport = {self.port}\n")
        shutil.copyfile(self.root / "saved.safetensors", self.out / "saved.safetensors")
        shutil.copyfile(self.empty_database, self.out / "store.db")
        shutil.copyfile(self.root / "registered.db", self.out / "registered.db")
        (self.out / "quiet").mkdir()
        append_event(self.out / "quiet", "metrics", 5, {"values": {"loss/edge": 0.5}})
        elsewhere = self.root.parent / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        monkeypatch.chdir(self.root if self.name == "relative" else elsewhere)

    def plain(self, text: str) -> str:
        """Return a text without the paths to the root, so that outputs can be compared."""
        for folder in (f"{self.root}/", f"../{self.root.name}/", f"{self.root}"):
            text = text.replace(folder, "")
        return text.replace(self.out.name, "OUT")

    def results(self, patterns: tuple[str, ...]) -> dict[str, str]:
        """Return the files that match patterns, by relative path."""
        paths = {path for pattern in patterns for path in self.out.glob(pattern) if path.is_file()}
        assert paths or not patterns
        return {path.relative_to(self.out).as_posix(): self.plain(content_of(path)) for path in sorted(paths)}


def content_of(path: Path) -> str:
    """Return the comparable content of a file: metadata of weights are unordered, and node names of graphs vary."""
    if path.suffix == ".onnx":
        return repr(read_metadata(path))
    if path.suffix == ".safetensors":
        with safe_open(path, "np") as file:
            tensors = {name: hashlib.sha256(file.get_tensor(name).tobytes()).hexdigest() for name in file.keys()}  # noqa: SIM118
            return repr((sorted(file.metadata().items()), tensors))
    return path.read_bytes().decode("latin-1")


def interrupt_when_served(url: str, pages: list[str]) -> None:
    """Wait for a page, keep it and send Ctrl-C to this process."""
    for _ in range(1800):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=60) as answer:
            pages.append(answer.read().decode())
            break
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)


def run(case: Case, way: Way) -> tuple[int, str]:
    """Run a command; return its exit code and the page that it has served."""
    pages: list[str] = []
    waiting = threading.Thread(
        target=interrupt_when_served, args=(f"http://127.0.0.1:{way.port}{case.serves}", pages), daemon=True
    )
    if case.serves:
        waiting.start()
    code = main(case.arguments(way.at))
    if case.serves:
        waiting.join()
    return code, "".join(pages)


def ways_of(case: Case) -> tuple[str, ...]:
    """Return the names of the tested ways; only the least common one for a command that serves a page."""
    if case.serves:
        return ("parent",)
    return ("absolute", "relative") if case.slow else ("absolute", "relative", "parent")


def with_few_sizes(init: Callable[..., None]) -> Callable[..., None]:
    return lambda self, *positional, **named: init(self, *positional, **{"sizes": ((16, 16), (48, 70)), **named})


@pytest.mark.parametrize("name", CASES)
def test_results_do_not_depend_on_the_working_directory(
    name: str, world: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make.ExportOptions, "__init__", with_few_sizes(make.ExportOptions.__init__))
    monkeypatch.setattr(packages, "_LEAST_MEMORY", 1)  # other tests may have it
    use_small_encoders(monkeypatch)
    if name == "app":
        needed("gradio", "install the extra dev")
    case = CASES[name]
    found = {}
    for way_name in ways_of(case):
        way = Way(world, way_name, empty_database)
        way.prepare(monkeypatch)
        before = {path.name for path in Path.cwd().iterdir()}
        code, page = run(case, way)
        captured = capsys.readouterr()
        assert code == case.code, captured.err
        assert {path.name for path in Path.cwd().iterdir()} == before, "results go where they were asked for"
        printed = re.findall(case.printed, way.plain(captured.out), re.MULTILINE) if case.printed else []
        assert bool(printed) == bool(case.printed), captured.out
        assert bool(page) == bool(case.serves), captured.out
        found[way_name] = way.results(case.results), printed
    assert all(one == found[ways_of(case)[0]] for one in found.values())


def test_every_command_is_covered() -> None:
    assert {case.arguments(str)[0] for case in CASES.values()} == COMMANDS.keys()


def test_a_run_resumes_under_another_path(
    world: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results of a run are skipped by a run with other paths to the same files."""
    ways = [Way(world, name, empty_database) for name in ("relative", "absolute", "parent")]
    out = ways[0].out
    ways[0].prepare(monkeypatch)
    skipped = []
    for way in ways:
        monkeypatch.chdir(world if way.name == "relative" else world.parent / "elsewhere")
        for command in ("convert", "dataset"):
            source = way.at("photos" if command == "convert" else "yolo")
            target = way.prefix + f"{out.name}/{command}"
            given = [command, source, "--style", way.at("a.png"), "--model", "histogram", *STYLE, "-o", target]
            given += ["--rule", f"night={way.at('b.png')}"] if command == "dataset" else []
            assert main([*given, *([] if way is ways[0] else ["--resume"]), "--json"]) == 0
            skipped.append(json.loads(capsys.readouterr().out)["skipped"])
    assert skipped == [0, 0, 2, 2, 2, 2]
