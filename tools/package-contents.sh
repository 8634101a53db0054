#!/usr/bin/env bash
# Checks that the packages in a folder hold what they should and nothing else: tools/package-contents.sh DIR
set -eu
cd "$(dirname "$0")/.."
packages=$(realpath "$1")

# contents PACKAGE: the names in a package, without those that every package has.
contents() {
    python3 -c 'import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist(), sep="\n")' "$1" |
        grep -vxE '_rels/\.rels|\[Content_Types\]\.xml|package/services/metadata/core-properties/.*\.psmdcp' | LC_ALL=C sort
}

# expect ENDING NAME…: the one package that ends so has exactly these files.
expect() {
    local package
    package=$(find "$packages" -name "$1")
    [ -f "$package" ] || { echo "no $1, or several, in $packages"; return 1; }
    echo "$(basename "$package"):" "${@:2}"
    diff <(printf '%s\n' "${@:2}" | LC_ALL=C sort) <(contents "$package")
}

# says PACKAGE TEXT…: the description of the package has these.
says() {
    local text
    for text in "${@:2}"; do
        python3 -c 'import sys, zipfile; package = zipfile.ZipFile(sys.argv[1]); print(package.read(next(name for name in package.namelist() if name.endswith(".nuspec"))).decode())' "$1" |
            grep -- "$text" >/dev/null || { echo "$1 does not say $text"; return 1; }
    done
}

expect 'Posix.SharedMemory.[0-9]*.nupkg' Posix.SharedMemory.nuspec LICENSE README.md icon.png \
    lib/net10.0/Posix.SharedMemory.dll lib/net10.0/Posix.SharedMemory.xml
expect 'Posix.SharedMemory.[0-9]*.snupkg' Posix.SharedMemory.nuspec lib/net10.0/Posix.SharedMemory.pdb
expect 'Posix.SharedMemory.Tool.[0-9]*.nupkg' Posix.SharedMemory.Tool.nuspec LICENSE README.md icon.png tools/net10.0/any/DotnetToolSettings.xml \
    tools/net10.0/any/{Posix.SharedMemory,Spectre.Console,System.CommandLine,shm}.dll tools/net10.0/any/{Posix.SharedMemory,shm}.pdb \
    tools/net10.0/any/shm.{deps,runtimeconfig}.json

for package in "$packages"/*.nupkg; do
    says "$package" '<license type="expression">MIT</license>' '<icon>icon.png</icon>' '<readme>README.md</readme>' '<releaseNotes>.*CHANGELOG.md' \
        '<description>' '<tags>' '<repository type="git".* commit='
done
