#!/usr/bin/env bash
# The action's first step: finds or installs evalmark, and tells the next one where it is.
set -euo pipefail

case "$INSTALL" in
pypi)
    venv="$RUNNER_TEMP/evalmark-venv"
    python="$(command -v python3 || command -v python)"
    "$python" -m venv "$venv"
    if [[ -d "$venv/Scripts" ]]; then bin="$venv/Scripts"; else bin="$venv/bin"; fi
    "$bin/python" -m pip install --quiet --disable-pip-version-check "evalmark${VERSION:+==$VERSION}"
    evalmark="$bin/evalmark"
    ;;
cargo)
    cargo install --quiet --locked --path "$GITHUB_ACTION_PATH/crates/cli" --root "$RUNNER_TEMP/evalmark-cargo"
    evalmark="$RUNNER_TEMP/evalmark-cargo/bin/evalmark"
    ;;
none)
    evalmark="$(command -v evalmark)" || {
        echo "::error title=evalmark::evalmark is not on PATH: install it before this step, or set install to pypi or cargo"
        exit 2
    }
    ;;
*)
    echo "::error title=evalmark::the input install is pypi, cargo or none"
    exit 2
    ;;
esac
"$evalmark" --version
echo "evalmark=$evalmark" >>"$GITHUB_OUTPUT"
