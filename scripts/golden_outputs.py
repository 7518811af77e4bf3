"""Write the outputs of the bundled weights on a rendered scene, which a test compares within 1e-4.

python scripts/golden_outputs.py

Run it after every change of weights; a change of code must not require it.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.models.golden import BUNDLED, cells_of

PATH = Path(__file__).resolve().parent.parent / "tests" / "models" / "golden.json"


def main() -> None:
    """Write ``tests/models/golden.json``."""
    found = {weights: cells_of(name, weights) for name, weights in BUNDLED}
    PATH.write_text(json.dumps(found, indent=0) + "\n")
    print(f"wrote {PATH}: {len(found)} weights")


if __name__ == "__main__":
    main()
