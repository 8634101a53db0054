#!/usr/bin/env bash
# Packs every project under src/: tools/pack.sh DIR
# The command gets a package that leads to others, one for "any" system and, on Linux, the native one of this machine's system: compiling for another processor needs its machine.
# Where the compiler is not to be had, the command is packed as one package that needs a .NET runtime, and this says so.
set -eu
cd "$(dirname "$0")/.."
out=$(mkdir -p "$1" && realpath "$1")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
system=$(dotnet --info | sed -n 's/^ *RID: *//p' | head -n 1)

pack() { dotnet pack --nologo --configuration Release --output "$out" "$@"; }

# native PROJECT: the package of this machine's system. What an earlier publish left, such as symbols, would be packed too.
native() {
    case $system in linux-x64 | linux-arm64) ;; *) return 0 ;; esac
    rm -rf "$1/bin/Release/net10.0/$system/publish"
    pack --runtime "$system" -p:PackEachSystem=true "$1" >"$log" 2>&1
}

for project in src/*/; do
    if ! grep -q PackEachSystem "$project"/*.csproj; then
        pack "$project"
    elif native "$project"; then
        pack --runtime any -p:PackEachSystem=true "$project"
        # Last, since it restores for no system.
        pack -p:PackEachSystem=true "$project"
    elif grep -qE 'NU1101|NU1102|NU1103|NU1301|Platform linker' "$log"; then
        echo "SKIPPED: a native package of $(basename "$project") for $system: $(grep -m 1 -oE 'error [A-Z0-9]*:.*' "$log")"
        pack "$project"
    else
        cat "$log"
        exit 1
    fi
done
