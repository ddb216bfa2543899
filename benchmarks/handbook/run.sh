#!/bin/sh
# Train the handbook's forest in an environment of its own, which is removed afterwards. The course
# does not install scikit-learn. Needs Python 3.11 or later, the internet, and about ten minutes.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/uv venv --quiet --python 3.11 "$work/env"
.venv/bin/uv pip install --quiet --python "$work/env/bin/python" scikit-learn==1.9.1 numpy==2.4.6
.venv/bin/python benchmarks/handbook/features.py "$work/features"
"$work/env/bin/python" benchmarks/handbook/forest.py "$work/features"
