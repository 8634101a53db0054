#!/usr/bin/env bash
# Builds a stranger's program from the packages in a folder, trims it, runs it, and installs and runs the command: tests/consumer/run.sh DIR
set -eu
cd "$(dirname "$0")"
packages=$(realpath "$1")
library=$(find "$packages" -name 'Posix.SharedMemory.[0-9]*.nupkg')
version=$(basename "$library" .nupkg)
version=${version#Posix.SharedMemory.}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/program" "$scratch/packages" "$scratch/tool"
cp ./*.cs ./*.csproj Directory.* "$scratch/program"

# The program that the package's README shows is compiled and run, too.
python3 - "$library" >"$scratch/program/ReadmeProgram.cs" <<'PYTHON'
import re, sys, zipfile
readme = zipfile.ZipFile(sys.argv[1]).read("README.md").decode()
program = re.search(r"^```csharp\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)[1]
using, body = re.match(r"((?:using [\w.]+;\n)+)(.*)", program, re.DOTALL).groups()
print(f"{using}\nnamespace Consumer;\n\ninternal static class ReadmeProgram\n{{\n    internal static void Run()\n    {{\n{body}    }}\n}}")
PYTHON

# Packages of this version go to a folder of this run; what is there of others already is used.
common=$(dotnet nuget locals global-packages --list)
common=${common#*: }
properties=(-p:PackedVersion="$version" -p:RestorePackagesPath="$scratch/packages" -p:RestoreAdditionalProjectSources="$packages")
if [ -d "$common" ] && [ ! -e "${common%/}/posix.sharedmemory/$version" ]; then
    properties+=(-p:RestoreFallbackFolders="$common")
fi

# built PROPERTY…: the program, published with these properties too, does all it should.
built() {
    rm -rf "$scratch/program/obj" "$scratch/program/bin" "$scratch/out"
    dotnet publish --nologo --verbosity quiet --configuration Release --output "$scratch/out" "${properties[@]}" "$@" "$scratch/program" >"$scratch/log" 2>&1
}

# What the README shows has a name of its own: of two runs on one machine, one waits.
alone=()
if [ -d /dev/shm ] && command -v flock >/dev/null; then alone=(flock --close /dev/shm); fi

# ran: it does what it should, with the library that was packed.
ran() {
    python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("lib/net10.0/Posix.SharedMemory.dll"))' "$library" |
        cmp - "$scratch/packages/posix.sharedmemory/$version/lib/net10.0/Posix.SharedMemory.dll"
    ${alone[@]+"${alone[@]}"} timeout 60 "$scratch/out/Consumer"
}

# Trimming needs the runtime as a package, compiling ahead that and a compiler: not every source has them.
unavailable() {
    grep -qE 'NU1101|NU1102|NU1103|NU1301' "$scratch/log" || { cat "$scratch/log"; return 1; }
    printf 'SKIPPED: %s: %s\n' "$1" "$(grep -m 1 -oE 'NU110[123]: Unable to find [^.]*\.[^ ]*|NU1301: [^[]*' "$scratch/log")"
}

system=$(dotnet --info | sed -n 's/^ *RID: *//p' | head -n 1)
if built --runtime "$system" --self-contained -p:WholeLibrary=true; then
    ran
    echo "trimmed for $system, all of the library analysed, no warning"
else
    unavailable 'trimming'
    built -p:PublishTrimmed=false || { cat "$scratch/log"; exit 1; }
    ran
    echo 'not trimmed; analysed for trimming and for native compilation, no warning'
fi

if built --runtime "$system" -p:PublishAot=true -p:WholeLibrary=true; then
    ran
    echo "compiled ahead for $system"
else
    unavailable 'compiling ahead'
fi

# The command, from its package, in a folder of its own.
cat >"$scratch/nuget.config" <<CONFIG
<configuration><packageSources><clear /><add key="packed" value="$packages" /></packageSources></configuration>
CONFIG
NUGET_PACKAGES=$scratch/packages dotnet tool install --configfile "$scratch/nuget.config" --tool-path "$scratch/tool" --version "$version" Posix.SharedMemory.Tool >/dev/null
test "$("$scratch/tool/shm" --version)" = "shm $version"
"$scratch/tool/shm" ls >"$scratch/listed"
head -n 1 "$scratch/listed"
if [ -e "$packages/Posix.SharedMemory.Tool.$system.$version.nupkg" ]; then
    # The native program itself, which needs no runtime.
    test "$(head -c 4 "$(readlink -f "$scratch/tool/shm")" | tail -c 3)" = ELF
    env -i "$scratch/tool/shm" ls >/dev/null
fi
echo "shm $version: installed from its package, and runs"
