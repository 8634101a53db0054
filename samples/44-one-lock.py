"""Python's part of 44-one-lock: adds to a counter that a .NET and a C program change under the same lock."""
import ctypes
import mmap
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../interop"))
import psm  # noqa: E402

with open(sys.argv[1], "r+b") as file:
    memory = mmap.mmap(file.fileno(), 16384)
roster = psm.Roster(memory)
mutex = psm.Mutex(roster, 4096)
counter = ctypes.c_int64.from_buffer(memory, 8192)
for _ in range(int(sys.argv[2])):
    if mutex.enter_unrepaired():
        mutex.mark_consistent()  # A counter needs no repair.
    counter.value += 1
    mutex.leave()
