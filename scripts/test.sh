#!/usr/bin/env bash
# All checks: style, spelling, layers, types, tests. Arguments are passed to pytest, such as a folder, or --cov=ir_transfer,
# which reports the coverage and takes a quarter longer: scripts/test.sh tests/models
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

ensure_environment dev
ensure_browser
cd "$ROOT"
# Small tensors do not benefit from threads, and the test processes already use all cores.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" NO_ALBUMENTATIONS_UPDATE=1
"$VENV/bin/ruff" check .
"$VENV/bin/ruff" format --check .
"$VENV/bin/codespell" ir_transfer tests docs configs datasets evaluation examples scripts ./*.md
"$VENV/bin/lint-imports" --no-cache --no-logo
"$VENV/bin/mypy" --strict
# pytest runs last, so that its summary ends the output and its exit code is returned.
exec "$VENV/bin/python" -m pytest --numprocesses=auto --dist=loadfile "$@"
