#!/bin/sh
# Builds .venv from requirements.lock, checksums verified, and installs the project into it.
#
#     scripts/install.sh [--flink | --all] [PYTHON]
#
# Without a word it installs what lessons, labs and services need; --flink adds PyFlink, --all adds
# what the tests need, too. What was added once stays when the environment is brought up to date.
# PYTHON is a program name or a path; without it the first Python 3.11, 3.12, 3.10, 3.13 or 3.14 on
# the PATH is taken. An environment that is here already is kept, whatever its Python.

set -eu
cd "$(dirname "$0")/.."
env=.venv
stamp=$env/.installed # written last; holds the folder, since an environment cannot be moved

main() {
    case "${1:-}" in
    --flink | --all)
        added=${1#--}
        shift
        ;;
    *) added= ;;
    esac
    if ! fits "$env/bin/python" || moved; then
        python=$(choose "${1:-}")
        echo "Creating $env with $("$python" --version)"
        "$python" -m venv --clear "$env"
    fi
    if [ -n "$added" ] && [ -e "$stamp" ]; then
        install_packages # and remove none: a program may be using them
    else
        rm -f "$stamp"
        [ -x "$env/bin/uv" ] || get_uv
        install_packages --exact
        "$env/bin/uv" pip install --quiet --python "$env" --offline --no-deps \
            --no-build-isolation --editable .
        pwd -P >"$stamp"
    fi
    mark
}

install_packages() {
    set -- "$@" --extra services --extra build
    if wanted flink || wanted all; then
        set -- "$@" --extra flink
    fi
    if wanted all; then
        set -- "$@" --extra dev
    fi
    [ -n "$added" ] || set -- "$@" --quiet # else the download is long, and somebody waits
    "$env/bin/uv" pip install --python "$env" --require-hashes \
        --requirements pyproject.toml --constraints requirements.lock "$@"
}

wanted() { # GROUP: asked for now, or added before
    [ "$added" = "$1" ] || [ -e "$stamp-$1" ]
}

# Notes what is there, by files that are newer than $stamp, for make.
mark() {
    if wanted all; then
        touch "$stamp-all" "$stamp-flink"
    elif wanted flink; then
        touch "$stamp-flink"
    fi
}

# pip brings uv, which then installs the other packages in a tenth of pip's time.
get_uv() {
    echo "Installing the packages of requirements.lock: about 180 MB to download, this once"
    sed -n '/^uv==/,/# via/p' requirements.lock >"$env/uv.lock"
    if [ -n "${SSL_CERT_FILE:-}" ]; then # uv heeds it, older versions of pip do not
        export PIP_CERT="${PIP_CERT:-$SSL_CERT_FILE}"
    fi
    "$env/bin/python" -m pip install --quiet --disable-pip-version-check \
        --require-hashes --requirement "$env/uv.lock"
    "$env/bin/uv" pip uninstall --quiet --python "$env" setuptools # comes with venv, not the lock's
}

moved() {
    [ -e "$stamp" ] && [ "$(cat "$stamp")" != "$(pwd -P)" ]
}

# Prints the Python to use: the one asked for, else the first that fits and is complete.
choose() {
    asked=$1
    lacking=
    [ -n "$asked" ] && set -- "$asked" ||
        set -- python3.11 python3.12 python3.10 python3.13 python3.14 python3
    for candidate in "$@"; do
        fits "$candidate" || continue
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$candidate"
            return
        fi
        lacking=$candidate
    done
    if [ -n "$lacking" ]; then
        version=$("$lacking" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        refuse "$lacking is here without the modules venv and ensurepip: install them" \
            "(Debian, Ubuntu: sudo apt install python$version-venv)"
    elif [ -n "$asked" ]; then
        refuse "PYTHON=$asked is no Python from 3.10 to 3.14: name another, or leave PYTHON out"
    else
        refuse "there is no Python from 3.10 to 3.14 on the PATH: install one (Debian 12:" \
            "sudo apt install python3 python3-venv; macOS: brew install python@3.11)," \
            "or name it with PYTHON=/path/to/python"
    fi
}

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null
}

refuse() {
    echo "$*" >&2
    exit 1
}

main "$@"
