"""Python's part of 52-market-data: reads the quotes of a SharedChannel<Quote>, and checks them."""
import mmap
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../interop"))
import psm_channel  # noqa: E402

count, spreads = 0, 0.0
# snippet: read
with open(sys.argv[1], "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
    with psm_channel.Reader(memory, label="python") as reader:
        while reader.wait(timeout=60):
            for payload, _ in reader.read_available():
                time, bid, ask = struct.unpack("<qdd", payload)     # The struct Quote: a long and two doubles.
                count, spreads = count + 1, spreads + (ask - bid)
# end

expected = int(sys.argv[2])
sys.exit(not (count == expected and spreads == expected * 0.25))
