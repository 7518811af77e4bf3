#!/usr/bin/env bash
# Regenerates evaluation/results: the figures on four pair sets, and contact sheets of photographs that may be shown.
#   bash scripts/results.sh PAIRS VGG [WEIGHTS]
# PAIRS: folder of the pair sets; VGG: a file, or torchvision; WEIGHTS: of an AdaIN trained on RoadScene alone (configs/
# train/adain-lwir.yaml), a further row: the shipped ones have learned from vifb and starain_visir.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

ensure_environment
cd "$ROOT"
pairs="${1:?expected the folder of the pair sets}" vgg="${2:?expected a VGG file, or torchvision}" held_out="${3:-}"
results=evaluation/results work=local/results
rm -rf "$work"
mkdir -p "$work"

models=gatys:steps=40,johnson,cin,msgnet,adain,style_swap,adjustable,wct2

# measure NAME DATA PROTOCOL EXEMPLAR WEIGHTS...
measure() {
  local name="$1" data="$2" protocol="$3" exemplar="$4"
  shift 4
  "$VENV/bin/ir-transfer" evaluate --data "$data" --protocol "$protocol" --models "$models" --vgg "$vgg" \
    --exemplar "$exemplar" "${@/#/--weights=}" --no-tracking -o "$work/$name" | tee "$work/$name.txt"
  # The sheet and the report show these scenes and stay out: the sets state no licence.
  sed "s#$pairs#PAIRS#g; s#$vgg#${vgg##*/}#g; s#$work#WORK#g" "$work/$name/results.json" >"$results/$name.json"
  cp "$work/$name/table.csv" "$results/$name.csv"
  sed "s#$pairs#PAIRS#g; s#$work#WORK#g" "$work/$name.txt" >"$results/$name.txt"
}

lwir=(${held_out:+adain=adain-lwir} ${held_out:+"adain=$held_out"})
exemplar="$pairs/roadscene/train/ir/FLIR_00211.jpg"
measure roadscene-val "$pairs/roadscene" paired-lwir "$exemplar" "${lwir[@]}"
measure vifb "$pairs/vifb" paired-lwir "$exemplar" "${lwir[@]}"
measure starain_visir "$pairs/starain_visir" paired-lwir "$exemplar" "${lwir[@]}"

# The pictures that validate in configs/train/adain-nir.yaml: every sixth.
for side in rgb ir; do
  mkdir -p "$work/nir-val/$side"
  find "$pairs/nir/starain_rgbnir/$side" -type f | sort | awk 'NR % 6 == 1' | xargs -r realpath | xargs -I{} ln -s {} "$work/nir-val/$side"
done
nir=()
for model in johnson cin msgnet adain style_swap adjustable wct2; do nir+=("$model=$model-nir"); done
measure nir-val "$work/nir-val" paired-nir "$pairs/nir/starain_rgbnir/ir/VN_10.png" "${nir[@]}"

# Speed and memory; Gatys with 10 steps, to be multiplied by 50. The sizes of the papers, at 512 alone, are where their ratios hold.
"$VENV/bin/ir-transfer" benchmark --sizes 512,1024 --rounds 3 -o "$results/benchmark.json" \
  --models gatys:steps=10,johnson,cin,msgnet,adain,style_swap,adjustable,wct2,histogram | tee "$results/benchmark.txt"
"$VENV/bin/ir-transfer" benchmark --sizes 512 --rounds 1 --no-memory -o "$results/benchmark-papers.json" \
  --models gatys:steps=10,adain,style_swap,adain:vgg19,style_swap:vgg19 | tee "$results/benchmark-papers.txt"
"$VENV/bin/python" scripts/systems_table.py "$results"

# Photographs that may be shown, by every system, in one picture.
"$VENV/bin/python" scripts/sample_pictures.py "$work/photos"
"$VENV/bin/ir-transfer" datasets render "$work/rendered" --count 4 --seed 5
cp "$work"/rendered/rgb/s0000[01]_f00.png "$work/photos"
"$VENV/bin/python" scripts/systems_sheet.py "$work/photos" "$work/rendered/ir/s00003_f00.png" "$results/systems.png"

bash scripts/results_detect.sh
