#!/usr/bin/env bash
# Packs every project under src/: tools/pack.sh [--this-system] DIR
# The command gets a package that leads to others: one for "any" system and, on Linux, native ones. That of this machine's system needs the compiler's package and a linker; that of the other
# processor (linux-arm64 on x64) also clang and the tools and C library of that processor, on Debian the packages clang and gcc-aarch64-linux-gnu. What cannot be made is named by a line
# that begins with SKIPPED. --this-system leaves the other processor out: it takes as long again.
set -eu
cd "$(dirname "$0")/.."
others=yes
if [ "$1" = --this-system ]; then others=; shift; fi
out=$(mkdir -p "$1" && realpath "$1")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
system=$(dotnet --info | sed -n 's/^ *RID: *//p' | head -n 1)

pack() { dotnet pack --nologo --configuration Release --output "$out" "$@"; }

# native PROJECT SYSTEM OPTION…: the native package of a system. What an earlier publish left, such as symbols, would be packed too.
native() {
    rm -rf "$1/bin/Release/net10.0/$2/publish"
    pack --runtime "$2" -p:PackEachSystem=true "${@:3}" "$1" >"$log" 2>&1
}

# lacks_compiler: whether the last attempt failed because this machine or its package source lacks what compiles.
lacks_compiler() { grep -qE 'NU1101|NU1102|NU1103|NU1301|Platform linker' "$log"; }

# skipped PROJECT SYSTEM REASON
skipped() { echo "SKIPPED: a native package of $(basename "$1") for $2: $3"; }

# native_of_other PROJECT: the package of the processor that this machine does not have.
native_of_other() {
    local other triple clang
    case $system in
        linux-x64) other=linux-arm64 triple=aarch64-linux-gnu ;;
        linux-arm64) other=linux-x64 triple=x86_64-linux-gnu ;;
        *) return 0 ;;
    esac
    clang=$(compgen -c clang | grep -xE 'clang(-[0-9]+)?' | sort -V | tail -n 1 || true)
    if [ -z "$clang" ] || ! command -v "$triple-objcopy" >/dev/null || ! echo 'int main(void) { return 0; }' | "$clang" --target="$triple" -x c -o /dev/null - 2>/dev/null; then
        skipped "$1" "$other" "it needs clang, and tools and a C library for $triple; or pack on such a machine"
    elif native "$1" "$other" -p:CppCompilerAndLinker="$clang" -p:ObjCopyName="$triple-objcopy"; then
        echo "$(basename "$1"): compiled for $other by $clang"
    elif lacks_compiler; then
        skipped "$1" "$other" "$(grep -m 1 -oE 'error [A-Z0-9]*:.*' "$log")"
    else
        cat "$log"
        return 1
    fi
}

for project in src/*/; do
    if ! grep -q PackEachSystem "$project"/*.csproj; then
        pack "$project"
        continue
    fi

    case $system in
        linux-x64 | linux-arm64)
            if native "$project" "$system"; then
                :
            elif lacks_compiler; then
                skipped "$project" "$system" "$(grep -m 1 -oE 'error [A-Z0-9]*:.*' "$log")"
                pack "$project"
                continue
            else
                cat "$log"
                exit 1
            fi
            ;;
    esac
    if [ -n "$others" ]; then native_of_other "$project"; fi
    pack --runtime any -p:PackEachSystem=true "$project"
    # Last, since it restores for no system.
    pack -p:PackEachSystem=true "$project"
done
