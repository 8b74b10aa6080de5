#!/usr/bin/env bash
# A Python environment of pinned packages, each file of which must have the hash in requirements/. Prints its Python.
# usage: setup.sh [FOLDER [PACKAGE...]]
# FOLDER is the caller's, by default build/peers-venv of this checkout; PACKAGE is jax, torch, scikit-learn or nvcc, by default
# jax and torch. Where nvidia-smi finds a GPU, jax comes with its CUDA plugin.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${1:-$here/../../build/peers-venv}
packages=("${@:2}")
[ ${#packages[@]} -gt 0 ] || packages=(jax torch)

# Without the hashes where they cannot fit, and never because one does not: packages are pinned all the same.
ending=txt options=(--require-hashes)
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) or sys.implementation.name != "cpython")'; then
  echo "setup.sh: the hashes are those of CPython 3.11 and newer, which $(python3 --version) is not: versions are pinned," \
    "files are NOT compared" >&2
  ending=in options=()
fi
for package in "${packages[@]}"; do
  if [ "$package" = jax ] && nvidia-smi >/dev/null 2>&1; then package=jax-cuda; fi
  if [ ! -f "$here/requirements/$package.in" ]; then
    echo "setup.sh: '$package' is not one of jax, torch, scikit-learn and nvcc" >&2
    exit 2
  fi
  options+=(--requirement "$here/requirements/$package.$ending")
done
python3 -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check "${options[@]}" >&2
echo "$(cd "$folder" && pwd)/bin/python"
