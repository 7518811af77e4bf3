# Sourced by the other scripts. Creates .venv in the checkout and installs the package into it.

set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="$ROOT/.venv"

# Prints the path of the first Python that is new enough and has venv. PYTHON=/path/to/python is tried first.
find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3 python python3.13 python3.12 python3.11 python3.14; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      command -v "$candidate"
      return 0
    fi
  done
  echo "expected Python 3.11 or newer with its venv module, found none: install it (Debian and Ubuntu:" \
    "apt install python3 python3-venv), or set PYTHON=/path/to/python" >&2
  return 1
}

# Installs the package in editable mode with the given extras, unless this was done since pyproject.toml changed.
ensure_environment() {
  local extras="${1:-}" wanted stamp
  stamp="$VENV/.installed${extras:+-$extras}"
  # The stamp includes the path, because an environment that was moved or copied refers to the other checkout.
  wanted="$ROOT $(cksum <"$ROOT/pyproject.toml")"
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    # An interrupted run may leave an environment without pip.
    if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
      local python
      python="$(find_python)"
      echo "creating $VENV with $("$python" --version)"
      "$python" -m venv --clear "$VENV"
    fi
    echo "installing ir-transfer${extras:+ with the extra $extras} (several GB the first time: torch)"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$ROOT${extras:+[$extras]}"
    echo "$wanted" >"$stamp"
  fi
}

# Installs Chromium for the browser tests if this needs no password: as root, with apt.
ensure_browser() {
  if command -v chromium >/dev/null || command -v google-chrome >/dev/null; then return; fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing chromium for the browser tests"
    { timeout 120 apt-get -qq update && timeout 300 apt-get -qq install -y --no-install-recommends chromium; } \
      >/dev/null 2>&1 || echo "chromium could not be installed: browser tests are skipped" >&2
  else
    echo "chromium not found: browser tests are skipped" >&2
  fi
}
