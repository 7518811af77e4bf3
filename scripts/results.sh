#!/usr/bin/env bash
# Regenerates evaluation/results: the figures on RoadScene's validation scenes, and a contact sheet of photographs that
# may be shown. bash scripts/results.sh PAIRS VGG   (PAIRS: folder of the pair sets; VGG: a file, or torchvision)
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

ensure_environment
cd "$ROOT"
pairs="${1:?expected the folder of the pair sets}" vgg="${2:?expected a VGG file, or torchvision}"
results=evaluation/results work=local/results
rm -rf "$work"
mkdir -p "$work"
"$VENV/bin/ir-transfer" evaluate --data "$pairs/roadscene" --protocol paired-lwir --models adain,wct2 --vgg "$vgg" \
  --exemplar "$pairs/roadscene/train/ir/FLIR_00211.jpg" -o "$work/roadscene-val" | tee "$work.txt"
# The sheet and the report show these scenes and stay out: RoadScene states no licence.
sed "s#$pairs#PAIRS#g; s#$vgg#${vgg##*/}#g" "$work/roadscene-val/results.json" >"$results/roadscene-val.json"
cp "$work/roadscene-val/table.csv" "$results/roadscene-val.csv"
cp "$work.txt" "$results/roadscene-val.txt"

"$VENV/bin/python" scripts/sample_pictures.py "$work/photos"
for model in adain wct2; do
  "$VENV/bin/ir-transfer" convert "$work/photos" --style preset:lwir-road-day --model "$model" -o "$work/$model" --preview
  cp "$work/$model/preview.png" "$results/samples-$model.png"
done
