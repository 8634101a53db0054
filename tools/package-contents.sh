#!/usr/bin/env bash
# Checks that the packages in a folder hold what they should and nothing else: tools/package-contents.sh [--release] DIR
# With --release the address they name must be a real one.
set -eu
cd "$(dirname "$0")/.."
release=
if [ "$1" = --release ]; then release=yes; shift; fi
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

# described PACKAGE: its description and its README lead to the repository, at the version of the package.
described() {
    python3 - "$1" "$release" <<'PYTHON'
import re, sys, zipfile

package = zipfile.ZipFile(sys.argv[1])
nuspec = package.read(next(name for name in package.namelist() if name.endswith(".nuspec"))).decode()
readme = package.read("README.md").decode()
missing = []

def found(what, pattern, text=nuspec):
    match = re.search(pattern, text)
    if not match:
        missing.append(what)
    return match[1] if match else ""

for text in ["<license type=\"expression\">MIT</license>", "<icon>icon.png</icon>", "<readme>README.md</readme>", "<description>", "<tags>"]:
    found(text, f"({re.escape(text)})")
version = found("a version", "<version>(.*?)</version>")
home = found("a project URL", "<projectUrl>(https://.*?)/?</projectUrl>")
found("a repository with that URL and a commit", f'(<repository type="git" url="{re.escape(home)}" [^>]*commit=)')
files = f"{home}/blob/v{version}/"
found("release notes that lead to CHANGELOG.md of this version", f"<releaseNotes>[^<]*({re.escape(files)}CHANGELOG.md)</releaseNotes>")
found("a link in README.md to a file of this version", rf"(\]\({re.escape(files)})", readme)
missing += [f"an absolute address in README.md for {link}" for link in re.findall(r"\]\((?!https://|#)([^)]*)\)", readme)]
if sys.argv[2] and home.endswith(".example"):
    missing.append("a real address: ProjectUrl in Directory.Build.props is a placeholder")
for what in missing:
    print(f"{sys.argv[1]} lacks {what}")
sys.exit(bool(missing))
PYTHON
}

# commented: the comments beside the library are those of public members, all that its public surface lists.
commented() {
    python3 - "$(find "$packages" -name 'Posix.SharedMemory.[0-9]*.nupkg')" src/Posix.SharedMemory/PublicAPI.*.txt <<'PYTHON'
import re, sys, zipfile

comments = zipfile.ZipFile(sys.argv[1]).read("lib/net10.0/Posix.SharedMemory.xml").decode()
surface = "".join(open(path).read() for path in sys.argv[2:])
names = {re.split(r"[(`~]", name)[0] for name in re.findall(r'<member name="\w:([^"]+)"', comments)}
# Constructors, operators and indexers are spelled otherwise there.
internal = sorted(name for name in names if re.sub(r"\.(#ctor|op_\w+|Item)$", "", name) not in surface)
for name in internal:
    print(f"the comments have {name}, which is not public")
print(f"{len(names)} names with comments, {len(comments) // 1024} KiB")
sys.exit(bool(internal) or len(names) < 100)
PYTHON
}

expect 'Posix.SharedMemory.[0-9]*.nupkg' Posix.SharedMemory.nuspec LICENSE README.md icon.png \
    lib/net10.0/Posix.SharedMemory.dll lib/net10.0/Posix.SharedMemory.xml
expect 'Posix.SharedMemory.[0-9]*.snupkg' Posix.SharedMemory.nuspec lib/net10.0/Posix.SharedMemory.pdb
expect 'Posix.SharedMemory.Tool.[0-9]*.nupkg' Posix.SharedMemory.Tool.nuspec LICENSE README.md icon.png tools/net10.0/any/DotnetToolSettings.xml \
    tools/net10.0/any/{Posix.SharedMemory,Spectre.Console,System.CommandLine,shm}.dll tools/net10.0/any/{Posix.SharedMemory,shm}.pdb \
    tools/net10.0/any/shm.{deps,runtimeconfig}.json

commented
for package in "$packages"/*.nupkg; do
    described "$package"
done
