#!/usr/bin/env bash
# Measures which lines and branches of the library the tests run, and writes docs/coverage.md: tools/coverage.sh
# It takes as long as the tests twice. The figures are of this machine, kernel and user: run it as root, on a machine with strace.
set -eu
cd "$(dirname "$0")/.."
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
# The random walk covers nothing more by being long.
export SHM_MODEL_STEPS=${SHM_MODEL_STEPS:-300000}
for project in Posix.SharedMemory.Tests Posix.SharedMemory.Tool.Tests Posix.SharedMemory.Threading.Tests Posix.SharedMemory.Channels.Tests Posix.SharedMemory.AspNetCore.Tests Posix.SharedMemory.Bridge.Tests; do
    [ -d "tests/$project" ] || continue
    # A process of another user, or one whose calls are made to fail, cannot write the counters and aborts: its test fails here, and passes in .ci/run.
    dotnet test --nologo "tests/$project" --settings tools/coverage.runsettings --collect 'XPlat Code Coverage' --results-directory "$results/$project" || true
done

dotnet run tools/coverage.cs -- "$results"
