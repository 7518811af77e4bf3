#!/usr/bin/env bash
# Regenerates evaluation/results: metrics on five sets of pairs, benchmarks, and contact sheets of publishable images.
#   bash scripts/results.sh PAIRS VGG [EARLIER]
# PAIRS: folder of the sets, with labels/; VGG: a file, or torchvision; EARLIER: results of earlier weights,
# EARLIER/SET/NAME/*.png, which are added as rows. People are those in evaluation/people; vehicles, those of the labels.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

ensure_environment
cd "$ROOT"
pairs="${1:?expected the folder of the sets of pairs}" vgg="${2:?expected a VGG file, or torchvision}" earlier="${3:-}"
results=evaluation/results work=local/results
rm -rf "$work"
mkdir -p "$work"

models="${MODELS:-gatys:steps=40,johnson,cin,msgnet,adain,style_swap,adjustable,wct2}"

# measure NAME DATA PROTOCOL EXEMPLAR [OPTION...]
measure() {
  local name="$1" data="$2" protocol="$3" exemplar="$4" folder
  shift 4
  if [ -f "evaluation/people/$name.json" ]; then set -- "$@" --boxes "evaluation/people/$name.json"; fi
  for folder in ${earlier:+"$earlier/$name"/*/}; do set -- "$@" --outputs "$(basename "$folder")=$folder"; done
  "$VENV/bin/ir-transfer" evaluate --data "$data" --protocol "$protocol" --models "$models" --vgg "$vgg" \
    --exemplar "$exemplar" "$@" --no-tracking -o "$work/$name" | tee "$work/$name.txt"
  # The sheet and the report show scenes, so they are not copied: the sets state no licence.
  local clean="s#$pairs#PAIRS#g; s#$vgg#${vgg##*/}#g; s#$work#WORK#g${earlier:+; s#$earlier#EARLIER#g}"
  sed "$clean" "$work/$name/results.json" >"$results/$name.json"
  cp "$work/$name/table.csv" "$results/$name.csv"
  sed "$clean" "$work/$name.txt" >"$results/$name.txt"
}

# The exemplar of each set is the infrared image whose mean and standard deviation are nearest to the set's medians.
measure roadscene-val "$pairs/roadscene" paired-lwir "$pairs/roadscene/train/ir/FLIR_07732.jpg" \
  --labels "$pairs/labels/roadscene/val"
measure m3svd-val "$pairs/m3svd" paired-lwir "$pairs/m3svd/train/ir/0111_1753_v0000.png" --labels "$pairs/labels/m3svd/val"
measure vifb "$pairs/vifb" paired-lwir "$pairs/vifb/ir/walkingnight.jpg" --labels "$pairs/labels/vifb"
measure starain_visir "$pairs/starain_visir" paired-lwir "$pairs/starain_visir/ir/VIS_IR_9.png" \
  --labels "$pairs/labels/starain_visir"

# The validation images of configs/train/adain-nir.yaml: every sixth.
for side in rgb ir; do
  mkdir -p "$work/nir-val/$side"
  find "$pairs/nir/starain_rgbnir/$side" -type f | sort | awk 'NR % 6 == 1' | xargs -r realpath | xargs -I{} ln -s {} "$work/nir-val/$side"
done
nir=()
case ",$models" in *,gatys*) nir+=(--weights gatys=adain-nir) ;; esac
for model in johnson cin msgnet adain style_swap adjustable wct2; do
  case ",$models," in *",$model,"*) nir+=(--weights "$model=$model-nir") ;; esac
done
measure nir-val "$work/nir-val" paired-nir "$pairs/nir/starain_rgbnir/ir/VN_19.png" "${nir[@]}"

# Speed and memory. Gatys runs 10 steps; multiply its time by 50. The papers' sizes are only measured at 512 pixels.
"$VENV/bin/ir-transfer" benchmark --sizes 512,1024 --rounds 3 -o "$results/benchmark.json" \
  --models gatys:steps=10,johnson,cin,msgnet,adain,style_swap,adjustable,wct2,histogram | tee "$results/benchmark.txt"
"$VENV/bin/ir-transfer" benchmark --sizes 512 --rounds 1 --no-memory -o "$results/benchmark-papers.json" \
  --models gatys:steps=10,adain,style_swap,adain:vgg19,style_swap:vgg19 | tee "$results/benchmark-papers.txt"
"$VENV/bin/python" scripts/systems_table.py "$results"

# Publishable images, converted by all models, in one sheet.
"$VENV/bin/python" scripts/sample_images.py "$work/photos"
"$VENV/bin/ir-transfer" datasets render "$work/rendered" --count 4 --seed 5
cp "$work"/rendered/rgb/s0000[01]_f00.png "$work/photos"
"$VENV/bin/python" scripts/systems_sheet.py "$work/photos" "$work/rendered/ir/s00003_f00.png" "$results/systems.png"

bash scripts/results_detect.sh
