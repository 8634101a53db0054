# The NumPy side of 14-languages.cs: python3 14-numpy.py FRAME ANSWER
import sys
from multiprocessing import resource_tracker, shared_memory

try:
    import numpy
except ImportError:
    sys.exit(77)    # Exit code 77: skipped.


def shared(name, **options):
    if sys.version_info >= (3, 13):
        return shared_memory.SharedMemory(name, track=False, **options)
    memory = shared_memory.SharedMemory(name, **options)
    resource_tracker.unregister(memory._name, "shared_memory")
    return memory


def pixels_of(memory, height, width):
    return numpy.ndarray((height, width), dtype=numpy.uint8, buffer=memory.buf, offset=16)    # No copy: the array is the memory.


frame = shared(sys.argv[1])
width, height = (int(number) for number in numpy.ndarray(2, dtype="<u4", buffer=frame.buf))
pixels = pixels_of(frame, height, width)    # Raises TypeError if the object is too short for it.

answer = shared(sys.argv[2], create=True, size=frame.size)
numpy.ndarray(2, dtype="<u4", buffer=answer.buf)[:] = width, height
inverted = pixels_of(answer, height, width)
numpy.invert(pixels, out=inverted)          # From one object into the other, without a copy in between.
numpy.ndarray(1, dtype="<u8", buffer=frame.buf, offset=8)[0] = pixels.sum(dtype=numpy.uint64)

del pixels, inverted                        # close() fails while arrays refer to the memory.
frame.close()
answer.close()
