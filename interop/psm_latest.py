"""psm_latest: the ends of a latest value of Posix.SharedMemory.Channels (kind 4: one writer, any number of readers, the newest value only), over psm_channel.

    with open("/dev/shm/boiler", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        reader = psm_latest.Reader(memory)
        if (found := reader.read()) is not None:
            value, version = found

Values of a type have that type's size and no other. The bytes and the protocol are in docs/spec/channels/latest.md.
"""
import ctypes
import io
import struct

import psm
from psm_channel import _LATEST, _W, Busy, Completed, Corrupt, Endpoint, Header

_MOST_ATTEMPTS = 1000
_fence = psm._atomic.atomic_thread_fence
_fence.restype, _fence.argtypes = None, (ctypes.c_int,)


class Writer(Endpoint):
    """The writing end. It never waits."""

    def __init__(self, memory, label=""):
        self._join(memory, _LATEST, False, False)
        try:
            if not self._enter(0):
                raise Busy("a living process has the writer open")
            self.newest, self.messages, self.bytes = (self._load(_W + at) for at in (0, 8, 16))
            if psm._read(self.origin + _W + 32):
                raise Completed
            if self.newest > 1 << 63 or self.newest % 2:
                raise Corrupt(f"the newest version is {self.newest}")
        except BaseException:
            self._refuse()
            raise
        self.completed = False
        self._occupy(label)

    def publish(self, value):
        """Publishes a value."""
        length = len(value)
        self.header.require_length(length)
        if self.completed:
            raise Completed
        version = self.newest + 2
        at = self.data + version // 2 % self.header.buffers * self.header.stride
        self._put(at, version - 1)
        _fence(psm._SEQ)  # whoever copies a byte of the new value finds the mark
        self.memory[at + 8:at + 16] = struct.pack("<Q", length)
        self.memory[at + 16:at + 16 + length] = bytes(value)
        self._put(at, version)
        self.messages += 1
        self.bytes += length
        self._put(_W + 8, self.messages)
        self._put(_W + 16, self.bytes)
        self.newest = version
        self._put(_W, version)
        self.peer_wakes.notify_all()

    def complete(self, error=0):
        """Says that there will be no newer value."""
        self.completed = True
        self._complete(error)


class Reader(Endpoint):
    """A reader. Through a mapping for reading only it takes no seat, stores nothing, and cannot wait."""

    def __init__(self, memory, restart=False):
        self.newest, self._words = 0, None
        with memoryview(memory) as view:
            self.can_wait = not view.readonly
        if self.can_wait:
            self._join(memory, _LATEST, True, restart)
            try:
                self._peer = self._place(0)
                psm.Mutex(self.roster, self._peer)
            except BaseException:
                self._refuse()
                raise
        else:
            self.header, self.memory = Header(memory, _LATEST), memory
            self.most, self.data = self.header.most, self.header.data
        # A load of 8 bytes through it is one instruction.
        self._words = memoryview(memory)[:len(memory) // 8 * 8].cast("Q")

    def close(self):
        """Leaves."""
        if self._words is not None:
            self._words.release()
            self._words = None
            if self.can_wait:
                super().close()

    def _word(self, offset):
        if self._words is None:
            raise ValueError("the reader is closed")
        return self._words[offset // 8]

    def _newest(self):
        newest = self._word(_W)
        _fence(psm._SEQ)
        if newest < self.newest or newest > 1 << 63 or newest % 2:
            raise self._corrupt(f"the newest version went from {self.newest} to {newest}")
        self.newest = newest
        return newest

    def read(self):
        """The newest value and its version: (bytes, version); None: nothing was published yet. BlockingIOError: the writer was faster than 1,000 copies."""
        found = self._newest()
        for _ in range(_MOST_ATTEMPTS):
            if not found:
                return None
            at = self.data + found // 2 % self.header.buffers * self.header.stride
            if self._word(at) == found:
                _fence(psm._SEQ)
                length = self._word(at + 8) & 0xFFFFFFFF
                value = self.memory[at + 16:at + 16 + min(length, self.most)]
                _fence(psm._SEQ)  # if a byte that was copied belongs to a newer value, the version is another one now
                if self._word(at) == found:
                    if length > self.most or self.header.element not in (0, length):
                        raise self._corrupt(f"a value has {length} bytes, and the longest {self.most}")
                    return value, found
            newest = self._newest()
            if newest == found:
                raise self._corrupt(f"a buffer's version is not {found}, which is the newest")
            found = newest
        raise BlockingIOError("the writer was faster than 1,000 copies")

    def wait(self, seen=0, timeout=None):
        """Waits until another version than the one that was seen is the newest, and returns it. The version itself: the writer has completed."""
        if not self.can_wait:
            raise io.UnsupportedOperation("the mapping is for reading only: a process that waits stores that it does")

        def ready():
            return self._newest() != seen

        return self.newest if ready() or self._wait(ready, timeout) else seen
