# The Python partner of the tests for a fan-in: as fanin_partner.c, without windows.
import mmap
import struct
import sys

import psm_fanin


def length_of(number):
    return 8 + (number * 2654435761 >> 7 & 0x1FF)


def numbered(number):
    return struct.pack("<q", number) + bytes([number & 255]) * (length_of(number) - 8)


def sized(number, most):
    length = number * 7919 % (most + 1) if number <= most else most if number % 2 else number * 32 % (most + 1)
    return bytes((number + i) & 255 for i in range(length))


path, _, role, start, count = sys.argv[1:6]
with open(path, "r+b") as file:
    memory = mmap.mmap(file.fileno(), 0)
number, end = int(start), int(start) + int(count)
with psm_fanin.Writer(memory, "python", restart=True) if role in ("stream", "plain") else psm_fanin.Reader(memory, "python") as it:
    print("open", flush=True)
    if role == "show":
        for payload, kind, writer in it.read_available():
            print(writer, kind, len(payload), bytes(payload).decode())
        print("end", flush=True)
    elif role == "plain":
        for n in range(number, end):
            it.write(sized(n, it.most), n % 1000)
    elif role == "stream":
        while number < end:
            if number % 4:
                it.write(numbered(number), number % 1000)
                number += 1
                continue
            first = number
            with it.batch() as batch:
                while number < min(end, first + 6) and batch.try_write(numbered(number), number % 1000):
                    number += 1
            if number == first:
                it.wait(length_of(number))
    else:
        following = [number] * 64
        read = 0
        while read < int(count):
            it.wait()
            if read % 2:
                message, kind, writer = it.try_read()
            else:
                for payload, kind, writer in it.read_available():
                    message = bytes(payload)
                    break
                # The loop was left before the message was passed over.
                assert it.try_read() == (message, kind, writer)
            n = following[writer]
            expected = sized(n, it.most) if role == "sizes" else numbered(n)
            assert message == expected and kind == n % 1000, f"writer {writer}: {message[:8]} of {len(message)} bytes came instead of {n}"
            following[writer] += 1
            read += 1
    if role != "show":
        print("written" if role in ("stream", "plain") else f"read, {it.lost_claims} lost", flush=True)
        sys.stdin.readline()
memory.close()
print("closed", flush=True)
