#!/usr/bin/env bash
# Runs 14-languages.cs with a program in each language: bash samples/14-languages.sh
set -u
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# exchange LANGUAGE COMMAND…: one program against the .NET side, which is built once.
exchange() {
    local code=0
    dotnet run --no-build 14-languages.cs -- "${@:2}" >"$scratch/output" 2>&1 || code=$?
    echo "$1: $(tail -n 1 "$scratch/output")"
    [ "$code" = 0 ] || { echo "$1: FAILED (exit code $code)"; failed=1; }
}

# has LANGUAGE COMMAND…: a command may exist and still not work, such as rustup without a toolchain or pyenv without a version.
has() {
    "${@:2}" >/dev/null 2>&1 || { echo "SKIPPED: $1 is missing on this machine."; return 1; }
}

# compiled LANGUAGE COMPILER…: the program is $scratch/frame.
compiled() {
    rm -f "$scratch/frame"
    "${@:2}" || { echo "$1: did not compile"; failed=1; return 1; }
}

# The first python3 of the PATH that has NumPy: the first of all may be another installation without it.
numpy() {
    local python
    for python in $(type -ap python3); do
        if "$python" -c 'import numpy' 2>/dev/null; then echo "$python"; return; fi
    done
}

dotnet build 14-languages.cs -v q --nologo >"$scratch/output" 2>&1 || { cat "$scratch/output"; exit 1; }
has C cc --version && compiled C cc -O2 -Wall -o "$scratch/frame" 14-languages.c && exchange C "$scratch/frame"
has Python python3 --version && exchange Python python3 14-languages.py
python=$(numpy)
has NumPy test -n "$python" && exchange NumPy "$python" 14-numpy.py
has Rust rustc --version && compiled Rust rustc --edition=2021 -O -o "$scratch/frame" 14-languages.rs && exchange Rust "$scratch/frame"
has Go go version && compiled Go go build -o "$scratch/frame" 14-languages.go && exchange Go "$scratch/frame"
has Node node --version && exchange Node node 14-languages.js
exit "$failed"
