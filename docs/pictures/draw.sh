#!/usr/bin/env bash
# Draws the README's pictures from what shm prints here, on objects made for it: docs/pictures/draw.sh
# It needs root, for a /dev/shm and a PID namespace of its own, python3 and script(1).
set -eu
cd "$(dirname "$0")/../.."
dotnet build --nologo --verbosity quiet src/Posix.SharedMemory.Tool
dotnet build tools/terminal-svg.cs >/dev/null
export SHM=$PWD/src/Posix.SharedMemory.Tool/bin/Debug/net10.0/shm

draw() { # NAME COMMAND…
    script -qec "stty cols 96 rows 24; shm ${*:2}" /dev/null | dotnet run --no-build tools/terminal-svg.cs -- "shm ${*:2}" >"docs/pictures/$1.svg"
}
export -f draw

# In a PID namespace of its own, every process can be inspected: holders are 1 there, and not 1+.
exec unshare --mount --pid --fork --mount-proc bash -eu -c '
    mount -t tmpfs -o size=256m,mode=1777 tmpfs /dev/shm
    bin=$(mktemp -d)
    trap "rm -rf $bin" EXIT
    ln -s "$SHM" "$bin/shm"
    export PATH="$bin:$PATH"
    shm create frames 64M --mode 0660
    shm create camera-0 24M --sparse
    head -c 9000000 /dev/urandom | shm write camera-0 - --offset 3M
    head -c 700000 /dev/urandom | shm write camera-0 - --offset 18M
    shm create model.onnx --from "$(command -v dotnet)" --mode 0644
    shm create "order book" 2M
    touch -d "3 days ago" /dev/shm/model.onnx
    python3 -c "
import mmap, time
files = [open(\"/dev/shm/\" + name, \"r+b\") for name in (\"frames\", \"camera-0\", \"frames\")]
maps = [mmap.mmap(file.fileno(), 0) for file in files]
time.sleep(120)" &
    holder=$!
    sleep 1
    draw ls ls
    draw map map camera-0
    draw top top --once
    kill $holder
'
