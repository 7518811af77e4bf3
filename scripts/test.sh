#!/usr/bin/env bash
# The whole check: style, spelling, layers, types, tests with coverage. Arguments go to pytest: bash scripts/test.sh tests/models
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

ensure_environment dev
ensure_browser
cd "$ROOT"
# Small tensors gain nothing from many threads, and threads of parallel tools would fight.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" NO_ALBUMENTATIONS_UPDATE=1
"$VENV/bin/ruff" check .
"$VENV/bin/ruff" format --check .
"$VENV/bin/codespell" ir_transfer tests docs configs datasets evaluation examples scripts ./*.md
"$VENV/bin/lint-imports" --no-cache --no-logo
"$VENV/bin/mypy" --strict
# Last, so that the output ends with pytest's closing line and the exit code is pytest's.
exec "$VENV/bin/python" -m pytest --numprocesses=auto --dist=loadfile --cov=ir_transfer --cov-report=term:skip-covered "$@"
