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
    python=
    if ! fits "$env/bin/python" || moved; then
        python=$(choose "${1:-}")
    fi
    writable . ||
        refuse "$PWD cannot be written to: clone into a folder of your own, then the same command"
    choose_cache
    if [ -n "$python" ]; then
        echo "Creating $env with $("$python" --version)"
        explained "$python" -m venv --clear "$env"
    fi
    if [ -n "$added" ] && [ -e "$stamp" ]; then
        install_packages # and remove none: a program may be using them
    else
        rm -f "$stamp"
        [ -x "$env/bin/uv" ] || get_uv
        install_packages --exact
        explained "$env/bin/uv" pip install --quiet --python "$env" --offline --no-deps \
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
        set -- "$@" --extra dev --extra site --extra canvas
    fi
    set -- "$env/bin/uv" pip install --python "$env" --require-hashes \
        --requirements pyproject.toml --constraints requirements.lock "$@"
    # What is added is a long download, and somebody waits: its progress needs the terminal. Where
    # that failed, the second time goes on from there, or says why it cannot.
    [ -n "$added" ] && "$@" || explained "$@" --quiet
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
    explained "$env/bin/python" -m pip install --quiet --disable-pip-version-check \
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

# Runs a command; where it fails, shows what it said, and ends with what to do about it.
explained() {
    said=$("$@" 2>&1) || {
        printf '%s\n\n' "$said" >&2
        refuse "$(remedy); then the same command goes on from here"
    }
}

# Prints what helps against what a program has $said. Earlier patterns explain later ones.
remedy() {
    case $said in
    *"No space left"* | *"quota exceeded"*)
        echo "The disk is full: make room, 1 GB for the lab and 2 GB more for Flink" ;;
    *"Read-only file system"* | *"Permission denied"*)
        echo "A folder cannot be written to: choose another for the clone, or for downloads with" \
            "UV_CACHE_DIR" ;;
    *"ash mismatch"* | *"DO NOT MATCH THE HASHES"*)
        echo "A package is not the one that requirements.lock names: ask whoever runs the package" \
            "index or the proxy, or go there without it" ;;
    *"HTTP status client error"* | *"Client Error"*)
        echo "The package index refuses a file: ask whoever runs the index, or choose another with" \
            "UV_DEFAULT_INDEX and PIP_INDEX_URL" ;;
    *"directory: 'cc'"* | *"directory: 'gcc'"* | *"'cc' failed"* | *"gcc' failed"* | *"Python.h"*)
        echo "A package has to be compiled here: install a C compiler (Debian, Ubuntu: sudo apt" \
            "install build-essential python3-dev; macOS: xcode-select --install)" ;;
    *"invalid package format"* | *"error decoding response"* | *"IncompleteRead"* | *"incomplete"*)
        echo "A download broke off: try again, from another network if it happens twice" ;;
    *"error sending request"* | *"establish a new connection"* | *"ProxyError"* | *"timed out"* | \
        *"resolve host"* | *"No matching distribution"*) unreached ;;
    *) echo "The packages could not be installed: mend what the lines above say" ;;
    esac
}

unreached() {
    for proxy in "${HTTPS_PROXY:-}" "${https_proxy:-}" "${HTTP_PROXY:-}" "${http_proxy:-}" \
        "${ALL_PROXY:-}" "${all_proxy:-}"; do
        [ -z "$proxy" ] || break
    done
    if [ -n "$proxy" ]; then # after its password, if it has one
        echo "The package index cannot be reached through the proxy ${proxy##*@}: mend or unset" \
            "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"
    else
        echo "The package index cannot be reached: connect to the internet, or name the proxy of" \
            "your network in HTTPS_PROXY"
    fi
}

# A home that cannot be written to, as some servers have, keeps no downloads: the clone does.
choose_cache() {
    [ -z "${UV_CACHE_DIR:-}" ] || return 0
    usual=${XDG_CACHE_HOME:-${HOME:-/nowhere}/.cache}/uv
    mkdir -p "$usual" 2>/dev/null && writable "$usual" ||
        export UV_CACHE_DIR="$PWD/.study/packages"
}

writable() { # FOLDER: root may write to any by its mode, and yet not to every disk
    (: >"$1/.installing") 2>/dev/null && rm -f "$1/.installing"
}

refuse() {
    echo "$*" >&2
    exit 1
}

main "$@"
