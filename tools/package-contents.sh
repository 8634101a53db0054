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

# commented PACKAGE: the comments beside the library are those of public members, all that its public surface lists.
commented() {
    local name
    name=$(basename "$1" | sed -E 's/\.[0-9].*//')
    python3 - "$1" "lib/net10.0/$name.xml" "src/$name"/PublicAPI.*.txt <<'PYTHON'
import re, sys, zipfile

comments = zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]).decode()
surface = "".join(open(path).read() for path in sys.argv[3:])
names = {re.split(r"[(`~]", name)[0] for name in re.findall(r'<member name="\w:([^"]+)"', comments)}
# Constructors, operators and indexers are spelled otherwise there.
internal = sorted(name for name in names if re.sub(r"\.(#ctor|op_\w+|Item)$", "", name) not in surface)
for name in internal:
    print(f"the comments have {name}, which is not public")
print(f"{sys.argv[2]}: {len(names)} names with comments, {len(comments) // 1024} KiB")
sys.exit(bool(internal) or not names)
PYTHON
}

# Every project under src/ is a package: a library, or a command, which carries the libraries that it refers to.
for project in src/*/*.csproj; do
    name=$(basename "$project" .csproj)
    if grep -q '<PackAsTool>true' "$project"; then
        command=$(sed -n 's/.*<ToolCommandName>\(.*\)<.*/\1/p' "$project")
        own=()
        others=()
        for library in $(sed -n 's/.*ProjectReference Include=.*\/\(.*\)\.csproj.*/\1/p' "$project"); do own+=("tools/net10.0/any/$library."{dll,pdb}); done
        for library in $(sed -n 's/.*PackageReference Include="\([^"]*\)".*/\1/p' "$project"); do others+=("tools/net10.0/any/$library.dll"); done
        # What those of others bring along stands in the project too, for this check alone.
        for library in $(sed -n 's/.*BroughtAlong Include="\([^"]*\)".*/\1/p' "$project" | tr ';' ' '); do others+=("tools/net10.0/any/$library.dll"); done
        program=("tools/net10.0/any/DotnetToolSettings.xml" "tools/net10.0/any/$command".{dll,pdb,deps.json,runtimeconfig.json} "${own[@]}" "${others[@]}")
        if ls "$packages/$name.any."* >/dev/null 2>&1; then
            # tools/pack.sh: a package that leads to one for each system.
            expect "$name.[0-9]*.nupkg" "$name.nuspec" LICENSE README.md icon.png tools/any/any/DotnetToolSettings.xml
            expect "$name.any.[0-9]*.nupkg" "$name.any.nuspec" LICENSE README.md icon.png "${program[@]}"
            for native in "$packages/$name".linux-*.nupkg; do
                [ -e "$native" ] || continue
                system=$(basename "$native" | sed -E "s/^$name\.(linux-[a-z0-9]+)\..*/\1/")
                expect "$name.$system.[0-9]*.nupkg" "$name.$system.nuspec" LICENSE README.md icon.png "tools/any/$system/"{DotnetToolSettings.xml,"$command"}
            done
        else
            expect "$name.[0-9]*.nupkg" "$name.nuspec" LICENSE README.md icon.png "${program[@]}"
        fi
    else
        # What other languages take part with is packed beside the library.
        interop=$(sed -n 's|.*Include="\(.*\)" Pack="true" PackagePath="interop/".*|\1|p' "$project" | tr ';' '\n' | sed 's|.*/||; s|^|interop/|')
        # shellcheck disable=SC2086
        expect "$name.[0-9]*.nupkg" "$name.nuspec" LICENSE README.md icon.png "lib/net10.0/$name".{dll,xml} $interop
        expect "$name.[0-9]*.snupkg" "$name.nuspec" "lib/net10.0/$name.pdb"
        commented "$(find "$packages" -name "$name.[0-9]*.nupkg")"
    fi

    described "$(find "$packages" -name "$name.[0-9]*.nupkg")"
done
