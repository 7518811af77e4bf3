#!/usr/bin/env bash
# Regenerates evaluation/results/detect-rendered.*, the usefulness of translated images as training data for a detector,
# on scenes that this package renders: bash scripts/results_detect.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

ensure_environment detect
cd "$ROOT"
results=evaluation/results work=local/results-detect command="$VENV/bin/ir-transfer"
rm -rf "$work"
"$command" datasets render "$work/scenes" --count 200 --size 192x160 --boxes --seed 7
"$command" datasets split generic-paired --root "$work/scenes" --val 0.25 --scene '^(s\d+)_f\d+$' -o "$work/split.json"
"$command" evaluate --task detect --data "$work/scenes" --split "$work/split.json" --boxes "$work/scenes/boxes.json" \
  --exemplar "$work/scenes/ir/s00001_f00.png" --models adain,wct2 --max-side 144 --steps 120 --seeds 2 --no-tracking \
  -o "$work/detect" | tee "$work/detect.txt"
sed "s#$work/##g" "$work/detect/detect.json" >"$results/detect-rendered.json"
cp "$work/detect/detect.csv" "$results/detect-rendered.csv"
cp "$work/detect/detect.png" "$results/detect-rendered.png"
grep -v "^$work" "$work/detect.txt" >"$results/detect-rendered.txt"
