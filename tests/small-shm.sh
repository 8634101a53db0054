#!/usr/bin/env bash
# Runs the tests and the samples where /dev/shm has 64 MB, as in a container that was started without --shm-size: what needs more says so and is skipped.
#   tests/small-shm.sh          what uses much memory; a minute (.ci/run)
#   tests/small-shm.sh --all    every test and every sample; by hand
# Needs root, for a mount that only this run sees, and a build of the solution.
set -u
cd "$(dirname "$0")/.." || exit 1

if [ -z "${SMALL_SHM:-}" ]; then
    if ! unshare --mount --propagation private true 2>/dev/null; then
        echo 'SKIPPED: mounting another /dev/shm needs root.'
        exit 0
    fi

    export SMALL_SHM=1
    exec unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=64m,mode=1777 tmpfs /dev/shm && exec "$@"' sh "$0" "$@"
fi

# What reserves the most. The others are run by --all.
filter='FullyQualifiedName~Tool.Tests.Creating|FullyQualifiedName~Tool.Tests.Showing.A_terminal|FullyQualifiedName~Tool.Tests.Showing.An_interrupted|FullyQualifiedName~Tool.Tests.Following.Keeps_little'
filter+='|FullyQualifiedName~SharedMemory.Tests.Objects.CreatingAnonymously|FullyQualifiedName~SharedMemory.Tests.Objects.CopyingFrom|FullyQualifiedName~SharedMemory.Tests.Races.Growing'
samples=(samples/09-huge-pages.cs samples/16-no-room.cs)
projects=(tests/Posix.SharedMemory.Tests tests/Posix.SharedMemory.Tool.Tests)
if [ "${1:-}" = --all ]; then
    filter='FullyQualifiedName~.'
    samples=()
    projects=(tests/*.Tests)
fi

failed=0
for project in "${projects[@]}"; do
    dotnet test --no-build --nologo "$project" --filter "$filter" || failed=$((failed + 1))
done

bash samples/run-all.sh "${samples[@]}" || failed=$((failed + 1))
left=$(ls -A /dev/shm)
if [ -n "$left" ]; then
    printf 'Left in /dev/shm:\n%s\n' "$left"
    failed=$((failed + 1))
fi

[ "$failed" = 0 ]
