#!/usr/bin/env bash
# Installs ir-transfer into .venv and converts sample images: bash scripts/quickstart.sh
# Needs Python 3.11 or newer. A second run installs nothing.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

ensure_environment
cd "$ROOT"
images=local/quickstart/rgb
results=local/quickstart/ir
rm -rf "$results"
"$VENV/bin/python" scripts/sample_images.py "$images"
"$VENV/bin/python" -m ir_transfer convert "$images" --style preset:lwir-road-day -o "$results" --preview

echo
echo "RGB images:        $ROOT/$images"
echo "infrared images:   $ROOT/$results"
echo "contact sheet:     $ROOT/$results/preview.png"
echo "for your images:   .venv/bin/ir-transfer convert FOLDER --style preset:lwir-road-day"
