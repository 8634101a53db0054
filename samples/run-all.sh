#!/usr/bin/env bash
# Runs every sample as a newcomer would. A sample fails by its exit code, or by a name it leaves behind.
set -u
cd "$(dirname "$0")/.."

# The names that samples and Python give; others work on this machine too.
names() { if [ -d /dev/shm ]; then find /dev/shm -mindepth 1 \( -name 'sample-*' -o -name 'hello-*' -o -name 'psm_*' \) -printf '%P\n' | sort; fi; }

failed=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT
# What the README shows has a name of its own: of two runs on one machine, one waits.
alone=()
if [ -d /dev/shm ] && command -v flock >/dev/null; then alone=(flock --close /dev/shm); fi
for sample in samples/[0-9]*.cs; do
    before=$(names)
    verdict=PASS
    ${alone[@]+"${alone[@]}"} dotnet run "$sample" >"$output" 2>&1 || verdict="FAIL (exit code $?)"
    # Those of others go again.
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
    sed 's/^/      /' "$output"
    [ "$verdict" = PASS ] || failed=1
done

exit "$failed"
