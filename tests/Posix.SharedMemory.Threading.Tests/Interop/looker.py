"""Joins a roster of one seat: looker.py FILE. Prints "joined", or "full" where the seat's owner is alive."""
import errno
import mmap
import sys

import psm

with open(sys.argv[1], "r+b") as file:
    mapping = mmap.mmap(file.fileno(), 65536)
try:
    psm.Roster(mapping, 0, 1).leave()
    print("joined")
except OSError as e:
    print("full" if e.errno == errno.EUSERS else e)
