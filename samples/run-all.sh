#!/usr/bin/env bash
# Runs every sample, or those that are named, as a newcomer would: bash samples/run-all.sh [samples/NAME.cs …]. A sample fails by its exit code, or by a name that it leaves behind.
set -u
cd "$(dirname "$0")/.."

# The names that samples and Python use; other programs use this machine too.
names() { if [ -d /dev/shm ]; then find /dev/shm -mindepth 1 \( -name 'sample-*' -o -name 'hello-*' -o -name 'psm_*' \) -printf '%P\n' | sort; fi; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# other SAMPLE: the half of it for a second terminal, SAMPLE-SOMETHING.cs, if it has one.
other() { compgen -G "${1%.cs}-*.cs"; }

# run SAMPLE: by itself, or by the script beside it. One that has another half waits for Enter, and meanwhile the other half runs.
run() {
    local other input writer code=0
    if [ -f "${1%.cs}.sh" ]; then
        bash "${1%.cs}.sh"
        return
    elif ! other=$(other "$1"); then
        dotnet run "$1"
        return
    fi

    # Also what the last sample printed: it was ready too.
    rm -f "$scratch/enter" "$scratch/writer"
    mkfifo "$scratch/enter"
    dotnet run "$1" <"$scratch/enter" >"$scratch/writer" & writer=$!
    exec {input}>"$scratch/enter"
    until grep -qs ready "$scratch/writer" || ! kill -0 "$writer" 2>/dev/null; do sleep 0.1; done
    dotnet run "$other" {input}>&- || code=$?
    exec {input}>&-
    wait "$writer" || code=$?
    cat "$scratch/writer"
    return "$code"
}

# The other halves, which do not run by themselves.
others=" $(for sample in samples/[0-9]*.cs; do other "$sample"; done | tr '\n' ' ')"

# alone COMMAND…: samples in two halves use fixed names, so of two runs on one machine, one waits.
alone() {
    if [ -d /dev/shm ] && command -v flock >/dev/null; then
        ( flock 9 && "$@" 9<&- ) 9</dev/shm
    else
        "$@"
    fi
}

if [ $# = 0 ]; then set -- samples/[0-9]*.cs; fi
failed=0

# A sample is one screen: what goes beyond becomes another sample, or goes.
for sample in samples/*.cs; do
    lines=$(wc -l <"$sample")
    if [ "$lines" -gt 60 ]; then
        echo "FAIL ($lines lines, more than the 60 of a screen)  $sample"
        failed=1
    fi
done

for sample; do
    case $others in *" $sample "*) continue ;; esac
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
