# The Python partner of the tests for a broadcast: as broadcast_partner.c, without windows.
import mmap
import os
import sys

import psm_broadcast
import psm_channel


def refused(act):
    try:
        act()
    except ValueError:
        return True
    return False


def message_of(number, most):
    return bytes((number + i) & 255 for i in range(number * 7919 % (most + 1)))


path, _, role, first, count = sys.argv[1:6]
first, count = int(first), int(count)
looks, control = role in ("look", "show", "split"), None
with open(path, "rb" if looks else "r+b") as file:
    memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ if looks else mmap.ACCESS_WRITE)
if role == "split":
    with open(os.path.join(os.path.dirname(path), str(first)), "r+b") as file:
        control = mmap.mmap(file.fileno(), 0)
    for act in (lambda: psm_broadcast.Reader(memory, lossy=True), lambda: psm_broadcast.Writer(control), lambda: psm_broadcast.Reader(memory, control=control),
                lambda: psm_broadcast.Reader(memory, lossy=True, control=memory), lambda: psm_broadcast.Reader(control, lossy=True, control=control)):
        assert refused(act)
with psm_broadcast.Writer(memory, "python") if role == "sizes" else psm_broadcast.Reader(memory, lossy=looks, last=1 << 20 if looks else 0, label="python", control=control) as it:
    print("open", flush=True)
    if role == "show":
        while (found := it.read()) is not None:
            print(found.sequence, found.kind, len(found.payload), found.payload.decode())
        print("end")
    elif role == "sizes":
        for number in range(first, first + count):
            it.write(message_of(number, it.most), number % 1000)
        print("written", flush=True)
        line = sys.stdin.readline()
        if line.startswith("complete"):
            it.complete(int(line.split()[1]))
    elif role == "look":
        following, read = 0, 0
        while following < count:
            found = it.read()
            if found is None:
                continue
            assert found.payload == message_of(found.sequence, it.most) and found.sequence == following + found.missed, f"message {found.sequence}, {found.missed} missed, instead of {following}"
            following, read = found.sequence + 1, read + 1
        print("read", int(read + it.missed == following), flush=True)
        sys.stdin.readline()
    elif role == "split":
        following = 0
        try:
            while it.wait():
                while (found := it.read()) is not None:
                    assert found.payload == message_of(found.sequence, it.most) and found.sequence == following + found.missed, f"message {found.sequence}, {found.missed} missed, instead of {following}"
                    following = found.sequence + 1
                    if following == 1:
                        print("one", flush=True)
        except psm_channel.WriterError as end:
            print("ended 0 after", following, "error", *end.args, flush=True)
        sys.stdin.readline()
    else:
        read = 0
        while True:
            try:
                if not it.wait():
                    print("ended 0 after", read, flush=True)
                    break
                while (found := it.read()) is not None:
                    assert found == psm_broadcast.Message(message_of(first + read, it.most), (first + read) % 1000, first + read, 0), f"message {found.sequence} instead of {first + read}"
                    read += 1
            except (psm_channel.PeerDied, psm_channel.PeerLeft, psm_channel.WriterError, psm_broadcast.Evicted) as end:
                print("ended", type(end).__name__, "after", read, "error", *end.args, flush=True)
                break
        sys.stdin.readline()
memory.close()
if control is not None:
    control.close()
print("closed", flush=True)
