"""Python's part of 63-camera: a viewer that reads the frames where they are, as NumPy arrays where NumPy is installed."""
import mmap
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../interop"))
try:
    import psm_frames  # noqa: E402
except (OSError, SyntaxError):
    sys.exit(127)  # libatomic.so.1, or Python 3.10, is not on this machine.
try:
    import numpy
except ImportError:
    numpy = None

read, torn = 0, 0
# snippet: python
with open("/dev/shm/" + sys.argv[1].lstrip("/"), "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
    with psm_frames.Reader(memory, label="python") as reader:
        while reader.wait(timeout=60):                                        # False: the camera has completed, and everything was read.
            while frame := reader.read():
                with frame:                                                   # Until it is given back, the camera does not fill its slot again.
                    pixels = frame.array()[::64] if numpy else frame.view[::4096]    # The shared memory itself, of shape (1080, 1920, 3).
                    torn += not (pixels.min() == pixels.max() if numpy else min(pixels) == max(pixels))
                    read, pixels = read + 1, None
        missed = reader.missed
# end

print(f"python{' with NumPy' if numpy else ''}: {read} frames read, {missed} missed, {torn} torn", flush=True)
sys.exit(not (read > 0 and torn == 0))
