# The Python partner of the tests for a latest value: as latest_partner.c, without windows.
import mmap
import sys

import psm_channel
import psm_latest


def value_of(number, most):
    return bytes((number + i) & 255 for i in range(number * 7919 % (most + 1)))


path, _, role, _, count = sys.argv[1:6]
looks = role in ("look", "show")
with open(path, "rb" if looks else "r+b") as file:
    memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ if looks else mmap.ACCESS_WRITE)
with psm_latest.Writer(memory, "python") if role == "stream" else psm_latest.Reader(memory) as it:
    print("open", flush=True)
    if role == "show":
        value, version = it.read()
        print(1, version, len(value), value.decode())
    elif role == "stream":
        for number in range(it.newest // 2 + 1, it.newest // 2 + 1 + int(count)):
            it.publish(value_of(number, it.most))
        print("written", flush=True)
        line = sys.stdin.readline()
        if line.startswith("complete"):
            it.complete(int(line.split()[1]))
    else:
        last = 0
        while True:
            try:
                if not looks and it.wait(last) == last:
                    print("ended 0 after", last // 2, flush=True)
                    break
            except (psm_channel.PeerDied, psm_channel.PeerLeft, psm_channel.WriterError) as end:
                print("ended", type(end).__name__, "after", last // 2, "error", *end.args, flush=True)
                break
            found = it.read()
            if found is None:
                continue
            value, version = found
            assert version >= last and value == value_of(version // 2, it.most), f"version {version} of {len(value)} bytes after {last}"
            last = version
            if looks and version // 2 >= int(count):
                print("read", flush=True)
                break
            if role == "sizes":
                print(version // 2, flush=True)
        sys.stdin.readline()
memory.close()
print("closed", flush=True)
