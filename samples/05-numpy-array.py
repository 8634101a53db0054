# The Python side of 05-numpy-array.cs: shares COUNT numbers, prints NAME, SUM and what wrote them, and keeps them until its input ends.
import math
import sys
from multiprocessing import shared_memory

count = int(sys.argv[1])
memory = shared_memory.SharedMemory(create=True, size=8 * count)
try:
    # With NumPy if it is installed, otherwise with the standard array module: the bytes in memory are the same.
    try:
        import numpy
        values = numpy.ndarray((count,), dtype=numpy.float64, buffer=memory.buf)
        values[:] = numpy.sin(numpy.arange(count))
        total, writer = math.fsum(values), "numpy " + numpy.__version__
        del values
    except ImportError:
        import array
        values = array.array("d", map(math.sin, range(count)))
        memory.buf[:8 * count] = memoryview(values).cast("B")
        total, writer = math.fsum(values), "array (no numpy here)"
    print(memory.name, repr(total), writer, flush=True)
    sys.stdin.readline()
finally:
    memory.close()
    memory.unlink()
