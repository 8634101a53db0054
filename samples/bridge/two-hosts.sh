#!/usr/bin/env bash
# Two hosts on one machine: sudo bash samples/bridge/two-hosts.sh
#
# Each host is a network namespace and a mount namespace of its own, with its own /dev/shm; a cable (veth) joins them. On A are a camera and a sensor, on B a program that reads both and sends
# commands back. On the way the server and both bridges are killed, and started again. It ends after a few seconds and leaves nothing behind.
set -u
cd "$(dirname "$0")/../.." || exit 1
skip() { echo "SKIPPED: $1"; exit 0; }
[ "$(id -u)" -eq 0 ] || skip 'network and mount namespaces need root'
for program in ip unshare nsenter nats-server; do command -v "$program" >/dev/null || skip "$program is not installed"; done
shm=${SHM_PROGRAM:-$PWD/src/Posix.SharedMemory.Tool/bin/Debug/net10.0/shm}
bridge=${SHM_BRIDGE_PROGRAM:-$PWD/src/Posix.SharedMemory.Bridge.Tool/bin/Debug/net10.0/shm-bridge}
if ! { [ -x "$shm" ] && [ -x "$bridge" ]; }; then
    dotnet build --nologo -v q src/Posix.SharedMemory.Tool && dotnet build --nologo -v q src/Posix.SharedMemory.Bridge.Tool || exit 1
fi

scratch=$(mktemp -d)
a=shm-a-$$ b=shm-b-$$
declare -A host=()
clean() {
    # All that runs on a host, and not only what this shell has started there.
    kill -9 $(jobs -p) $(ip netns pids "$a" 2>/dev/null) $(ip netns pids "$b" 2>/dev/null) 2>/dev/null
    wait 2>/dev/null
    ip netns del "$a" 2>/dev/null
    ip netns del "$b" 2>/dev/null
    rm -rf "$scratch"
}
trap clean EXIT
# One may be root and still not be allowed this, as in most containers.
ip netns add "$a" 2>/dev/null && ip netns add "$b" 2>/dev/null && ip link add "va$$" netns "$a" type veth peer name "vb$$" netns "$b" 2>/dev/null || skip 'this machine does not allow network namespaces'
ip -n "$a" addr add 10.99.0.1/24 dev "va$$" && ip -n "$a" link set "va$$" up && ip -n "$a" link set lo up || exit 1
ip -n "$b" addr add 10.99.0.2/24 dev "vb$$" && ip -n "$b" link set "vb$$" up && ip -n "$b" link set lo up || exit 1

# begin NAME: the host, as a process that keeps its mount namespace, with an empty /dev/shm.
begin() {
    ip netns exec "$1" unshare --mount sh -c 'mount -t tmpfs -o size=256m tmpfs /dev/shm && echo ready && exec sleep 600' >"$scratch/$1" &
    host[$1]=$!
    until grep -qs ready "$scratch/$1"; do kill -0 "${host[$1]}" 2>/dev/null || skip 'this machine does not allow mount namespaces'; sleep 0.1; done
}

begin "$a"
begin "$b"
# A command after these words runs on a host, and is the process itself: to kill it is to kill the command.
A=(nsenter --target "${host[$a]}" --mount --net)
B=(nsenter --target "${host[$b]}" --mount --net)
serve() { "${A[@]}" nats-server -a 10.99.0.1 -p 4222 -js -sd "$scratch/js" >/dev/null 2>&1 & server=$!; }
export_a() { "${A[@]}" "$bridge" nats://10.99.0.1:4222 --host a --export 'camera.*' --export 'sensor.*' --import 'plan.*' --latest 'sensor.*@20' --durable 'plan.*' >>"$scratch/bridge-a" 2>&1 & bridge_a=$!; }
import_b() { "${B[@]}" "$bridge" nats://10.99.0.1:4222 --host b --import 'camera.*' --import 'sensor.*' --export 'plan.*' --durable 'plan.*' >>"$scratch/bridge-b" 2>&1 & bridge_b=$!; }
# dies PROCESS: it is killed.
dies() { kill -9 "$1" 2>/dev/null || { echo 'it was dead before:'; cat "$scratch"/bridge-?; exit 1; }; wait "$1" 2>/dev/null; }
# again COMMAND…: until the server, or the channel, is there.
again() { local try; for try in {1..100}; do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; echo "gave up: $*; the bridges say:"; cat "$scratch"/bridge-? 2>/dev/null; exit 1; }
serve
again "${A[@]}" bash -c 'exec 3<>/dev/tcp/10.99.0.1/4222'
export_a
import_b

# The camera: 300 frames; the sensor: a state every 10 ms; the commands: 20 that must all arrive.
( for frame in {1..300}; do echo "frame $frame"; sleep 0.03; done ) | "${A[@]}" "$shm" topic send camera.front --create --complete >/dev/null &
camera=$!
( for state in {1..800}; do echo "state $state"; sleep 0.01; done ) | "${A[@]}" "$shm" topic send sensor.pose --create --complete >/dev/null &
( for command in {1..20}; do echo "command $command"; sleep 0.5; done ) | "${B[@]}" "$shm" topic send plan.move --create --complete >/dev/null &
commands=$!
# receive CHANNEL COMMAND…: what comes out of a channel on a host, once it is there, until it was completed.
receive() { local channel=$1; shift; again "$@" "$shm" stat "$channel"; "$@" "$shm" topic recv "$channel" --reconnect >"$scratch/$channel" 2>&1; }
receive camera.front "${B[@]}" & frames_in=$!
receive sensor.pose "${B[@]}" & states_in=$!
receive plan.move "${A[@]}" & commands_in=$!
# arrived: both ways work.
arrived() { [ -s "$scratch/camera.front" ] && [ -s "$scratch/sensor.pose" ] && [ -s "$scratch/plan.move" ]; }
again arrived

echo 'the server is killed, and started again'
dies "$server"; sleep 0.3; serve; sleep 1.5
echo 'the bridge of B is killed, and started again'
dies "$bridge_b"; import_b; sleep 1.5
echo 'the bridge of A is killed, and started again'
dies "$bridge_a"; export_a
wait "$camera" "$commands" "$frames_in" "$states_in" "$commands_in"

echo "of 300 frames $(grep -c 'frame' "$scratch/camera.front") arrived; the bridges say:"
grep -h '^lost' "$scratch/bridge-a" "$scratch/bridge-b" | sort | uniq
echo "of 20 commands, which are durable, $(grep -c 'command' "$scratch/plan.move") arrived: $(tr '\n' ' ' <"$scratch/plan.move")"
[ "$(sort -u "$scratch/plan.move" | grep -c command)" = 20 ] && [ "$(grep -c command "$scratch/plan.move")" = 20 ]
