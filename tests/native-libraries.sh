#!/usr/bin/env bash
# Says which native libraries running programs have loaded, beside those of the .NET runtime, and runs them where OpenSSL, ICU and zlib are hidden:
# tests/native-libraries.sh [NATIVE-SHM]
# A machine without them is an ordinary container: what loads one of them aborts there, without an exception.
set -u
cd "$(dirname "$0")/.." || exit 1
native=${1:-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

[ "$(uname)" = Linux ] || { echo 'SKIPPED: it reads what the loader of Linux says.'; exit 0; }

# The C library, the C++ library that the runtime is written with, and the runtime itself.
of_the_runtime='^(ld-linux.*|ld-musl.*|linux-vdso|lib(c|m|dl|pthread|rt|gcc_s|stdc\+\+|coreclr|clrjit|clrgc|clrgcexp|hostfxr|hostpolicy|nethost|System\.Native|coreclrtraceptprovider))\.so'

# built PROJECT-OR-SAMPLE: the path of the assembly.
built() { dotnet build --nologo "$1" | sed -n 's/.* -> //p' | grep -E "/($(basename "$1" .cs)|shm)\.dll$" | tail -n 1; }

# loads NAME COMMAND…: runs it, and lists what it and its children loaded.
loads() {
    local loaded code=0
    rm -f "$scratch"/loader.*
    LD_DEBUG=files LD_DEBUG_OUTPUT=$scratch/loader DOTNET_LTTng=0 timeout 60 "${@:2}" >"$scratch/output" 2>&1 </dev/null || code=$?
    loaded=$(cat "$scratch"/loader.* 2>/dev/null | sed -n 's/.*file=\([^ ]*\) \[[0-9]*\];  generating link map.*/\1/p' | sed 's|.*/||' | sort -u | grep -vE "$of_the_runtime")
    if [ "$code" -ne 0 ]; then
        printf 'FAIL  %s ended with %s:\n' "$1" "$code"
        tail -n 5 "$scratch/output"
        failed=1
    elif [ -n "$loaded" ]; then
        printf 'FAIL  %s loaded %s\n' "$1" "${loaded//$'\n'/, }"
        failed=1
    else
        printf 'PASS  %s loads no library but those of the runtime\n' "$1"
    fi
}

# hidden NAME COMMAND…: runs it in a mount namespace where these libraries are empty files, with a /dev/shm of its own.
hidden() {
    # shellcheck disable=SC2016
    if { unshare --mount --propagation private bash -c '
        for library in $(find -L /lib /usr/lib /usr/local/lib -maxdepth 3 \( -name "libssl.so*" -o -name "libcrypto.so*" -o -name "libicu*.so*" -o -name "libz.so*" \) -type f 2>/dev/null); do
            mount --bind /dev/null "$library" || exit 99
        done
        mount -t tmpfs -o size=64m tmpfs /dev/shm || exit 99
        exec timeout 60 "$@" 2>&1' hidden "${@:2}" >"$scratch/output" </dev/null; } 2>/dev/null; then
        printf 'PASS  %s runs where OpenSSL, ICU and zlib are hidden\n' "$1"
    else
        printf 'FAIL  %s ended with %s where OpenSSL, ICU and zlib are hidden:\n' "$1" "$?"
        tail -n 3 "$scratch/output"
        failed=1
    fi
}

shm=$(built src/Posix.SharedMemory.Tool)
judge() { # loads|hidden
    "$1" 'shm demo' dotnet "$shm" demo
    if [ -n "$native" ]; then "$1" 'shm demo, native' "$native" demo; fi
    for sample in "${samples[@]}"; do
        "$1" "$sample" "${assembly[$sample]%.dll}"
    done
}

# Of the packages of objects, locks and channels. They start themselves again, which needs their own program.
samples=(00-hello 01-two-processes 03-publish-when-ready 40-lock-and-death 47-posix-semaphore 50-channel)
declare -A assembly
for sample in "${samples[@]}"; do
    assembly[$sample]=$(built "samples/$sample.cs")
done

# Another run of the samples uses the same names.
exec 9</dev/shm
if command -v flock >/dev/null; then flock 9; fi
judge loads
if unshare --mount --propagation private true 2>/dev/null; then
    judge hidden
else
    echo 'SKIPPED: hiding libraries needs root, for a mount namespace.'
fi

exit "$failed"
