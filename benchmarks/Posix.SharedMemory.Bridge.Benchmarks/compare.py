#!/usr/bin/env python3
"""Measures the bridge beside NATS.Net alone and one TCP connection, between two hosts out of namespaces that a veth joins.

    sudo python3 benchmarks/Posix.SharedMemory.Bridge.Benchmarks/compare.py [ROUNDS [WORD...]]

Prints Markdown. Each row is the median of the rounds, which alternate. With words, only the tables whose titles contain one of them. Needs ip, nsenter, nats-server and the .NET SDK.
The server runs on host A, like the programs that send; those that receive are on host B.
"""
import os, platform, re, shutil, signal, statistics, subprocess, sys, tempfile, time

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
ONLY = [word.lower() for word in sys.argv[2:]]
HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = f"{HERE}/bin/Release/net10.0/Posix.SharedMemory.Bridge.Benchmarks"
ADDRESS, FRAME, CHUNK = "10.97.0.1", 8 << 20, 512 << 10
URL = f"nats://{ADDRESS}:4222"
TICKS = os.sysconf("SC_CLK_TCK")


class Host:
    def __init__(self, name, address):
        self.name = f"{name}{os.getpid()}"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.address = address

    def begin(self):
        for words in (["addr", "add", f"{self.address}/24", "dev", "cable"], ["link", "set", "cable", "up"], ["link", "set", "lo", "up"]):
            subprocess.run(["ip", "-n", self.name, *words], check=True)
        script = "mount -t tmpfs -o size=1g,mode=1777 tmpfs /dev/shm && echo ready && exec cat"
        self.keeper = subprocess.Popen(["ip", "netns", "exec", self.name, "unshare", "--mount", "--propagation", "private", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.keeper.stdout.readline() == "ready\n"

    def start(self, *words, **more):
        return subprocess.Popen(["nsenter", "--target", str(self.keeper.pid), "--mount", "--net", *words], **more)

    def role(self, *words):
        return Role(self, *map(str, words))

    def end(self):
        self.keeper.kill()
        self.keeper.wait()
        subprocess.run(["ip", "netns", "del", self.name], check=True)


class Role:
    """One process of the benchmark's program."""

    def __init__(self, host, *words):
        self.words = words
        self.process = host.start(PROGRAM, *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(self.words)} has ended with {self.process.wait()}")
        return line.strip()

    def open(self):
        assert self.line() == "open", self.words
        return self

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def figures(self):
        figures = dict(part.split("=") for part in self.line().split())
        self.process.wait()
        return {name: float(value) for name, value in figures.items()}

    def kill(self):
        self.process.kill()
        self.process.wait()


class Server:
    def __init__(self, host, *words):
        self.host, self.words = host, words
        self.serve()

    def serve(self):
        self.process = self.host.start("nats-server", "-a", ADDRESS, "-p", "4222", *self.words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while self.host.start("bash", "-c", f"exec 3<>/dev/tcp/{ADDRESS}/4222", stderr=subprocess.DEVNULL).wait():
            time.sleep(0.02)

    def cpu(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def kill(self):
        self.process.kill()
        self.process.wait()


def tcp(a, b, length, count):
    receiver = b.role("tcp-receive", f"{b.address}:5000").open()
    sender = a.role("tcp-send", f"{b.address}:5000", length, count)
    sent, received = sender.figures(), receiver.figures()
    return {"bytes": received["bytes"], "messages": received["bytes"] / length, "seconds": received["seconds"], "send": sent["cpu"], "take": received["cpu"], "serve": 0, "allocated": 0, "lost": 0}


def nats(a, b, length, count):
    server = Server(a)
    receiver = b.role("nats-receive", URL, length, count).open()
    before = server.cpu()
    sender = a.role("nats-send", URL, length, count)
    sent, received = sender.figures(), receiver.figures()
    served = server.cpu() - before
    server.kill()
    return {**received, "send": sent["cpu"], "take": received["cpu"], "serve": served, "allocated": sent["allocated"] + received["allocated"], "lost": 0}


def bridge(a, b, length, count, delivery="Stream", memory=False, warm=True):
    store = tempfile.mkdtemp(dir="/var/tmp")
    server = Server(a, *(["-js", "-sd", store] if delivery == "Durable" else []))
    channels = ["a.warm", "a.x"]
    if memory:
        for channel in channels:
            a.role("memory-stream", URL, channel).figures()
    export, take = a.role("export", URL, delivery, CHUNK).open(), b.role("import", URL).open()
    capacity = 64 << 20 if length >= 1 << 20 else 16 << 20
    result = None
    for channel in channels:
        # The first channel only makes both bridges warm.
        warms = channel == "a.warm"
        producer = a.role("produce", channel, capacity, length, max(count // 10, 8) if warms else count).open()
        consumer = b.role("consume", channel, length, max(count // 10, 8) if warms else count).open()
        if not warms:
            for bridging in (export, take):
                bridging.tell("begin")
                assert bridging.line() == "begun"
            before = server.cpu()
        # Importers have given credit by then.
        time.sleep(1.2)
        producer.tell("go")
        producer.figures()
        result = consumer.figures()
    served = server.cpu() - before
    for bridging in (export, take):
        bridging.tell("end")
    exported, imported = export.figures(), take.figures()
    server.kill()
    shutil.rmtree(store)
    return {**result, "send": exported["cpu"], "take": imported["cpu"], "serve": served, "allocated": exported["allocated"] + imported["allocated"], "lost": exported["lost"] + imported["lost"]}


def trips_tcp(a, b, count):
    pong = b.role("tcp-pong", f"{b.address}:5000").open()
    figures = a.role("tcp-ping", f"{b.address}:5000", count).figures()
    pong.process.wait()
    return figures


def trips_nats(a, b, count):
    server = Server(a)
    pong = b.role("nats-pong", URL).open()
    figures = a.role("nats-ping", URL, count).figures()
    pong.kill()
    server.kill()
    return figures


def trips_bridge(a, b, count):
    server = Server(a)
    export, take = a.role("export", URL, "Stream", CHUNK).open(), b.role("import", URL).open()
    ping, pong = a.role("ping", "a.there", "b.back", count).open(), b.role("pong", "a.there", "b.back").open()
    ping.line()
    time.sleep(1.2)
    ping.tell("go")
    figures = ping.figures()
    pong.figures()
    for bridging in (export, take):
        bridging.kill()
    server.kill()
    return figures


def recovery(a, b):
    server = Server(a)
    export, take = a.role("export", URL, "Stream", CHUNK).open(), b.role("import", URL).open()
    for bridging in (export, take):
        bridging.tell("begin")
        bridging.line()
    trickle = a.role("trickle", "a.x", 12).open()
    gaps = b.role("gaps", "a.x").open()
    trickle.tell("go")
    time.sleep(3)
    down = time.monotonic()
    server.kill()
    time.sleep(1.5)
    server.serve()
    down = time.monotonic() - down
    sent, came = trickle.figures(), gaps.figures()
    for bridging in (export, take):
        bridging.tell("end")
    lost = export.figures()["lost"], take.figures()["lost"]
    server.kill()
    return {"down": down, "longest": came["longest"], "sent": sent["messages"], "came": came["messages"], "lost": lost[1]}


def table(title, columns, rows, measure, show):
    if ONLY and not any(word in title.lower() for word in ONLY):
        return
    results = {name: [] for name, _ in rows}
    for round in range(ROUNDS):
        for name, call in rows if round % 2 == 0 else rows[::-1]:
            results[name].append(call())
    print(f"\n### {title}\n\n| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, _ in rows:
        median = {key: statistics.median(result[key] for result in results[name]) for key in results[name][0]}
        print(f"| {name} | {' | '.join(show(median, results[name]))} |", flush=True)


def throughput(median, all):
    gigabytes = median["bytes"] / 1e9
    rates = sorted(result["bytes"] / result["seconds"] / 1e6 for result in all)
    return [f"{statistics.median(rates):.0f} ({rates[0]:.0f} to {rates[-1]:.0f})", f"{median['messages'] / median['seconds']:,.0f}", *(f"{median[key] / gigabytes:.2f}" for key in ("send", "take", "serve")),
            f"{median['allocated'] / gigabytes / 1e6:.1f}", f"{median['lost']:.0f}"]


def main():
    subprocess.run(["dotnet", "build", "--nologo", "-v", "q", "-c", "Release", HERE], check=True)
    a, b = Host("shmbench-a", ADDRESS), Host("shmbench-b", "10.97.0.2")
    try:
        subprocess.run(["ip", "link", "add", "cable", "netns", a.name, "type", "veth", "peer", "name", "cable", "netns", b.name], check=True)
        a.begin()
        b.begin()
        commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
        server = subprocess.run(["nats-server", "--version"], capture_output=True, text=True).stdout.strip()
        model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
        print(f"{os.cpu_count()} processors ({model[1] if model else platform.machine()}), Linux {platform.release()}, {server}, commit {commit}, {ROUNDS} rounds, load {os.getloadavg()[0]:.1f} before.")
        columns = ["MB/s (fastest and slowest)", "messages/s", "s of processor per GB: sending", "receiving", "server", "MB allocated per GB", "lost"]
        table("Frames of 8 MiB, in chunks of 512 KiB", columns, [
            ("one TCP connection", lambda: tcp(a, b, FRAME, 250)),
            ("NATS.Net alone, messages of 512 KiB", lambda: nats(a, b, CHUNK, 4000)),
            ("the bridge", lambda: bridge(a, b, FRAME, 250)),
        ], None, throughput)
        table("Messages of 1 KiB", columns, [
            ("NATS.Net alone, each alone", lambda: nats(a, b, 1024, 300_000)),
            ("the bridge, in batches", lambda: bridge(a, b, 1024, 1_000_000)),
        ], None, throughput)
        table("Durable, messages of 512 KiB", columns, [
            ("the bridge, JetStream in files", lambda: bridge(a, b, CHUNK - 1024, 1000, "Durable")),
            ("the bridge, JetStream in memory", lambda: bridge(a, b, CHUNK - 1024, 1000, "Durable", memory=True)),
        ], None, throughput)
        table("Durable, messages of 1 KiB", columns, [
            ("the bridge, JetStream in files", lambda: bridge(a, b, 1024, 100_000, "Durable")),
            ("the bridge, JetStream in memory", lambda: bridge(a, b, 1024, 100_000, "Durable", memory=True)),
        ], None, throughput)
        table("Round trips of 64 bytes, one at a time, in µs", ["p50", "p99", "longest"], [
            ("one TCP connection", lambda: trips_tcp(a, b, 5000)),
            ("NATS.Net alone", lambda: trips_nats(a, b, 5000)),
            ("two channels and bridges", lambda: trips_bridge(a, b, 5000)),
        ], None, lambda median, _: [f"{median[key]:.0f}" for key in ("p50", "p99", "most")])
        table("Recovery after kill -9 of the server, a message each ms", ["server away, s", "longest time without a message, s", "sent", "arrived", "lost and reported"], [
            ("the bridge", lambda: recovery(a, b)),
        ], None, lambda median, _: [f"{median['down']:.2f}", f"{median['longest']:.2f}", f"{median['sent']:.0f}", f"{median['came']:.0f}", f"{median['lost']:.0f}"])
        print(f"\nLoad {os.getloadavg()[0]:.1f} after.")
    finally:
        for host in (a, b):
            host.end()


main()
