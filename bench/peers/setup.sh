#!/usr/bin/env bash
# The peers' Python environment. Usage: setup.sh [FOLDER [PACKAGE...]], by default build/peers-venv with jax and torch.
# Where nvidia-smi finds a GPU, JAX comes with its CUDA plugin.
set -euo pipefail
cd "$(dirname "$0")"
folder=${1:-../../build/peers-venv}
packages=("${@:2}")
[ ${#packages[@]} -gt 0 ] || packages=(jax torch)
if nvidia-smi >/dev/null 2>&1; then packages=("${packages[@]/#jax/jax[cuda13]}"); fi
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --constraint requirements.txt numpy safetensors "${packages[@]}"
echo "$(cd "$folder" && pwd)/bin/python"
