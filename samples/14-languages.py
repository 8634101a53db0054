# The Python side of 14-languages.cs, with the standard library: python3 14-languages.py FRAME ANSWER
import struct
import sys
from multiprocessing import resource_tracker, shared_memory


# snippet: untracked
def shared(name, **options):
    """A SharedMemory that Python's resource tracker does not remove when this program ends."""
    if sys.version_info >= (3, 13):
        return shared_memory.SharedMemory(name, track=False, **options)
    memory = shared_memory.SharedMemory(name, **options)
    resource_tracker.unregister(memory._name, "shared_memory")
    return memory
# end


frame = shared(sys.argv[1])
width, height = struct.unpack_from("<II", frame.buf, 0)
count = width * height
assert 0 < count <= frame.size - 16

answer = shared(sys.argv[2], create=True, size=frame.size)
with frame.buf[16:16 + count] as pixels:
    struct.pack_into("<II", answer.buf, 0, width, height)
    answer.buf[16:16 + count] = bytes(255 - pixel for pixel in pixels)
    struct.pack_into("<Q", frame.buf, 8, sum(pixels))

frame.close()
answer.close()
