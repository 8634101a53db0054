# The Python partner of the tests: as channel_partner.c, without windows.
import mmap
import struct
import sys

import psm_channel


def length_of(number, most):
    return min(most, 8 + (number * 2654435761 >> 7 & 0x1FF))


path, _, role, start, count = sys.argv[1:6]
with open(path, "r+b") as file:
    memory = mmap.mmap(file.fileno(), 0)
number, end = int(start), int(start) + int(count)
with (psm_channel.Writer if role == "stream" else psm_channel.Reader)(memory, "python", restart=True) as it:
    print("open", flush=True)
    if role == "show":
        for payload, kind in it.read_available():
            print(0, kind, len(payload), bytes(payload).decode())
        print("end", flush=True)
        sys.exit()
    while number < end:
        length = length_of(number, it.most)
        expected = struct.pack("<q", number) + bytes([number & 255]) * (length - 8)
        if role == "stream":
            it.write(expected, number % 1000)
            number += 1
        elif number % 2:
            it.wait()
            message, kind = it.try_read()
            assert message == expected and kind == number % 1000, f"message {message[:8]} of {len(message)} bytes came instead of {number}"
            number += 1
        else:
            it.wait()
            for payload, kind in it.read_available():
                assert payload == expected and kind == number % 1000, f"message of {len(payload)} bytes came instead of {number}"
                break
            # The loop was left before the message was passed over.
            assert it.try_read()[0] == expected
            number += 1
    print("read" if role == "drain" else "written", flush=True)
    line = sys.stdin.readline()
    if line.startswith("complete"):
        it.complete(int(line.split()[1]))
memory.close()
print("closed", flush=True)
