# The Python side of 11-python-frames.cs: answers each frame in the memory whose descriptor it inherited. Arguments: FD FRAMES BYTES.
import mmap, os, struct, sys
fd, frames, size = (int(argument) for argument in sys.argv[1:])
with mmap.mmap(fd, 0) as view:
    os.close(fd)
    for frame in range(1, frames + 1):
        sys.stdin.readline()                                    # the frame is complete
        assert struct.unpack_from("<i", view)[0] == frame
        brightness = sum(view[64:64 + size:97])
        struct.pack_into("<q", view, 8, brightness)             # the answer, in the same memory
        struct.pack_into("<i", view, 4, frame)
        print(frame, flush=True)
