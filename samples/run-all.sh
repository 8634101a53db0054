#!/usr/bin/env bash
# Runs every sample as a newcomer would. A sample fails by its exit code, or by a name that it leaves behind.
set -u
cd "$(dirname "$0")/.."

# The names that samples and Python use; other programs use this machine too.
names() { if [ -d /dev/shm ]; then find /dev/shm -mindepth 1 \( -name 'sample-*' -o -name 'hello-*' -o -name 'psm_*' \) -printf '%P\n' | sort; fi; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# run SAMPLE: by itself; one that waits for Enter runs while its other half, SAMPLE-reader.cs, reads what it shows.
run() {
    local reader=${1%.cs}-reader.cs input writer code=0
    if [ ! -f "$reader" ]; then
        dotnet run "$1"
        return
    fi

    rm -f "$scratch/enter"
    mkfifo "$scratch/enter"
    dotnet run "$1" <"$scratch/enter" >"$scratch/writer" & writer=$!
    exec {input}>"$scratch/enter"
    until grep -q ready "$scratch/writer" || ! kill -0 "$writer" 2>/dev/null; do sleep 0.1; done
    dotnet run "$reader" {input}>&- || code=$?
    exec {input}>&-
    wait "$writer" || code=$?
    cat "$scratch/writer"
    return "$code"
}

# alone COMMAND…: the README's object has a fixed name, so of two runs on one machine, one waits.
alone() {
    if [ -d /dev/shm ] && command -v flock >/dev/null; then
        ( flock 9 && "$@" 9<&- ) 9</dev/shm
    else
        "$@"
    fi
}

failed=0
for sample in samples/[0-9]*.cs; do
    case $sample in *-reader.cs) continue ;; esac
    before=$(names)
    verdict=PASS
    alone run "$sample" >"$scratch/output" 2>&1 || verdict="FAIL (exit code $?)"
    # Names of other programs disappear again.
    left=$(comm -13 <(printf '%s\n' "$before") <(names))
    for _ in {1..15}; do
        [ -n "$left" ] || break
        sleep 2
        left=$(comm -12 <(printf '%s\n' "$left") <(names))
    done
    if [ -n "$left" ]; then
        verdict="FAIL (left in /dev/shm: ${left//$'\n'/ })"
    fi

    printf '%s  %s\n' "$verdict" "$sample"
    sed 's/^/      /' "$scratch/output"
    [ "$verdict" = PASS ] || failed=1
done

exit "$failed"
