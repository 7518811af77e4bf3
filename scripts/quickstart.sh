#!/usr/bin/env bash
# From nothing but Python 3.11 or newer to infrared images: bash scripts/quickstart.sh
# Run again, it installs nothing and converts once more.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

ensure_environment
cd "$ROOT"
photos=local/quickstart/photos
results=local/quickstart/ir
rm -rf "$results"
"$VENV/bin/python" scripts/sample_images.py "$photos"
"$VENV/bin/python" -m ir_transfer convert "$photos" --style preset:lwir-road-day -o "$results" --preview

echo
echo "photographs:    $ROOT/$photos"
echo "infrared:       $ROOT/$results"
echo "contact sheet:  $ROOT/$results/preview.png"
echo "your own:       .venv/bin/ir-transfer convert PHOTOS --style preset:lwir-road-day"
