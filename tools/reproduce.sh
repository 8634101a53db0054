#!/usr/bin/env bash
# Builds the sources again in another directory and compares with what is packed, byte by byte: tools/reproduce.sh DIR
set -eu
cd "$(dirname "$0")/.."
packages=$(realpath "$1")
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

# A copy that is at the same commit: the commit is part of the version in the assemblies.
git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done' sh |
    tar --create --null --files-from=- | tar --extract --directory "$copy"
printf 'gitdir: %s\n' "$(git rev-parse --absolute-git-dir)" >"$copy/.git"
# same PACKAGE NAME BUILT: what the package has under a name is what was built here.
same() {
    python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' "$1" "$2" | cmp - "$3"
    echo "$(basename "$2"): the same $(stat --format %s "$3") bytes from $PWD and from $copy"
}

# Analyzers judge the code and do not change it.
build() { dotnet build --nologo --configuration Release --verbosity quiet -p:RunAnalyzers=false "$@"; }

# All in one build, but for what is packed for each system by itself: that is built for "any".
together=$(grep -L PackEachSystem src/*/*.csproj)
printf '<Solution>\n%s\n</Solution>\n' "$(printf '  <Project Path="%s" />\n' $together)" >"$copy/together.slnx"
build "$copy/together.slnx"

for project in src/*/*.csproj; do
    name=$(basename "$project" .csproj)
    any=
    if ls "$packages/$name.any."* >/dev/null 2>&1; then any=any; fi
    if grep -q PackEachSystem "$project"; then build ${any:+--runtime any -p:PackEachSystem=true} "$copy/$project"; fi
    package=$(find "$packages" -name "$name.${any:+any.}[0-9]*.nupkg")
    built=$copy/src/$name/bin/Release/net10.0${any:+/any}
    if grep -q '<PackAsTool>true' "$project"; then
        command=$(sed -n 's/.*<ToolCommandName>\(.*\)<.*/\1/p' "$project")
        same "$package" "tools/net10.0/any/$command.dll" "$built/$command.dll"
    else
        same "$package" "lib/net10.0/$name.dll" "$built/$name.dll"
        same "$package" "lib/net10.0/$name.xml" "$built/$name.xml"
        same "${package%.nupkg}.snupkg" "lib/net10.0/$name.pdb" "$built/$name.pdb"
    fi
done
