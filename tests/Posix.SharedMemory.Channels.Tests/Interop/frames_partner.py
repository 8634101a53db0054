# The Python partner of the tests for frames: reads numbered frames, and prints what it finds.
import mmap
import struct
import sys

import psm_channel
import psm_frames

path, _, role, _, count = sys.argv[1:6]
with open(path, "r+b") as file:
    memory = mmap.mmap(file.fileno(), 0)
if role == "show":
    header = psm_channel.Header(memory, 5)
    print("open", flush=True)
    for slot, (at, _) in enumerate(header.slots):
        sequence, _, length, kind, life = struct.unpack_from("<QQIHxxI", memory, header.slot_headers + 128 * slot)
        if life:
            print(slot, sequence, kind, length, memory[at:at + length].decode())
    print("end")
    sys.exit()
with psm_frames.Reader(memory, "wait" if role == "read" else "oldest", "python") as it:
    print("open", flush=True)
    while True:
        try:
            if not it.wait():
                print("ended", it.missed, flush=True)
                break
        except (psm_channel.PeerDied, psm_channel.PeerLeft, psm_channel.WriterError, psm_frames.Evicted) as end:
            print("ended", type(end).__name__, *end.args, flush=True)
            break
        frame = it.read()
        if frame is None:
            continue
        assert frame.view.readonly
        print(frame.sequence, frame.length, frame.kind, frame.dtype, frame.shape, frame.strides, frame.width, frame.height, frame.tag, sum(frame.view), flush=True)
        try:
            import numpy
            assert frame.array().shape == frame.shape and int(frame.array().sum()) == sum(frame.view) and not frame.array().flags.writeable
        except ModuleNotFoundError:
            pass
        if role == "hold":
            sys.stdin.readline()
        frame.give_back()
        frame.give_back()
    sys.stdin.readline()
print("closed", flush=True)
