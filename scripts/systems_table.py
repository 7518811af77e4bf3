"""Join the results of five pair sets and the benchmark in one table of all systems, as Markdown and CSV.

python scripts/systems_table.py evaluation/results

Reads roadscene-val.json, m3svd-val.json, vifb.json, starain_visir.json, nir-val.json and benchmark.json of that folder,
and writes systems.md and systems.csv beside them.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

SETS = ("roadscene-val", "m3svd-val", "vifb", "starain_visir", "nir-val")
COLUMNS = {
    "composite": "composite",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "patch_frechet": "Fréchet",
    "edges_kept": "edges kept",
}
TRIVIAL = ("constant", "gray", "inverted", "histogram", "fda")
SIDES = (512, 1024)


def main() -> None:
    """Write the two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="folder of the results")
    folder: Path = parser.parse_args().results
    figures = {name: read_figures(folder / f"{name}.json") for name in SETS}
    speed = json.loads((folder / "benchmark.json").read_text())
    labels = list(dict.fromkeys(label for found in figures.values() for label in found))
    labels.sort(key=lambda label: label in TRIVIAL)
    (folder / "systems.md").write_text(markdown(labels, figures, speed))
    with (folder / "systems.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "set", *COLUMNS])
        for label in labels:
            for name, found in figures.items():
                if label in found:
                    writer.writerow([label, name, *(found[label].get(column, "") for column in COLUMNS)])


def read_figures(path: Path) -> dict[str, dict[str, float]]:
    """Return the columns of the table by method; the name of a network in brackets is dropped."""
    content = json.loads(path.read_text())
    found: dict[str, dict[str, float]] = {}
    for label, scores in content["scores"].items():
        if label == "truth":
            continue
        named = {column.partition("[")[0]: value["mean"] for column, value in scores.items() if value}
        named["composite"] = content["composite"][label]["mean"]
        found[label] = {column: named[column] for column in COLUMNS if column in named}
    return found


def markdown(labels: list[str], figures: dict[str, dict[str, dict[str, float]]], speed: dict[str, Any]) -> str:
    """Return the page."""
    lines = [
        "# All systems in one table",
        "",
        "Made by `scripts/results.sh`; [README.md](README.md) has the protocol and says what the weights have learned "
        "from. Each cell: composite / PSNR / SSIM / Fréchet distance / edges kept. **g**: the composite is below "
        "gray's. **h**: it is below that of the matched histogram.",
        "",
        f"| system | {' | '.join(figures)} |",
        f"|---|{'---|' * len(figures)}",
    ]
    for label in labels:
        cells = [cell(label, found) for found in figures.values()]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    sizes = " | ".join(f"{side} s | {side} MiB" for side in SIDES)
    lines += [
        "",
        f"Seconds and peak memory for one square image, style prepared, float32, {speed['threads']} processor "
        f"threads, torch {speed['torch']}; random weights, which take as long. Compare within the table only.",
        "",
        f"| system | parameters | {sizes} |",
        f"|---|---|{'---|' * 2 * len(SIDES)}",
    ]
    rows = {(row["label"], row["candidate"]["side"]): row for row in speed["rows"]}
    for label in dict.fromkeys(label for label, _ in rows):
        found = [rows.get((label, side)) for side in SIDES]
        first = next(row for row in found if row)
        cells = [text for row in found for text in (measured(row) if row else ["", ""])]
        lines.append(f"| {label} | {first['parameters'] / 1e6:.2f} M | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(label: str, found: dict[str, dict[str, float]]) -> str:
    """Return one method's figures on one set, marked where a baseline is better."""
    if label not in found:
        return ""
    row = found[label]
    text = " / ".join(short(row[column]) if column in row else "-" for column in COLUMNS)
    worse = [
        mark
        for mark, name in (("g", "gray"), ("h", "histogram"))
        if label not in TRIVIAL and row["composite"] < found[name]["composite"]
    ]
    return f"{text} **{''.join(worse)}**" if worse else text


def short(value: float) -> str:
    """Return three digits."""
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"


def measured(row: dict[str, Any]) -> list[str]:
    """Return seconds and MiB."""
    return [f"{row['seconds']:.2f}", f"{row['peak_mb']:.0f}" if row["peak_mb"] else ""]


if __name__ == "__main__":
    main()
