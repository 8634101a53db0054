# The Python side of 08-python-follows.cs: reads the parts of a file as it grows. Arguments: PATH PARTS BYTES.
import mmap, struct, sys, time
path, steps, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(path, "rb") as file:
    seen = 0
    while seen < steps:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            complete = struct.unpack_from("<q", view)[0]
            while seen < complete and (seen + 1) * size <= len(view):
                start = 8 if seen == 0 else seen * size
                part = view[start:(seen + 1) * size]
                assert part == bytes([seen + 1]) * len(part), f"part {seen + 1} is torn"
                seen += 1
        time.sleep(0.001)
print(f"python: {seen} parts of {size >> 10} KiB, each complete when it was announced")
