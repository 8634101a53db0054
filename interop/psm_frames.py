"""psm_frames: the reading end of a frame channel of Posix.SharedMemory.Channels (kind 5: one publisher, up to 64 readers that read big frames where they are), over psm_channel.

    with open("/dev/shm/camera", "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        with psm_frames.Reader(memory) as reader:
            while reader.wait():
                while frame := reader.read():           # None: there is none any more; one that waits can be dropped for a newer one
                    with frame:
                        print(frame.sequence, frame.array().mean())     # a NumPy array over the shared memory; frame.view without NumPy

A publisher that was started again has another object under the same name: after PeerDied or PeerLeft, open the name again. The bytes and the protocol are in docs/spec/channels/frames.md.
"""
import struct

import psm
from psm_channel import _FRAMES, _W, DIED, Busy, Corrupt, Endpoint

_SENT_TAIL, _RETURN_HEAD, _RETURN_TAIL, _RINGS, _MODE, _FIRST, _MISSED = 128, 256, 384, 512, 24, 32, 40
_EVICTED, _GENERATION = 4, (1 << 24) - 1
_MODES = {"oldest": 1, "newest": 2, "wait": 3}
_MOST_ATTEMPTS = 1000


class Evicted(Exception):
    """The publisher has evicted this reader: it sends it nothing more, and uses again what it held."""


class Frame:
    """A frame where it is. Leaving its with block gives it back; nothing of it may be used afterwards."""

    def __init__(self, reader, entry, at, header, view):
        self._reader, self._entry, self.view = reader, entry, view
        self.sequence, self.timestamp, self.length, self.kind = struct.unpack_from("<QQIH", header)
        dtype, self.format, dimensions, self.width, self.height, *numbers, self.tag = struct.unpack_from("<8sIIII4I4iQ", header, 32)
        dimensions = min(dimensions, 4)
        self.dtype = dtype.rstrip(b"\0").decode("ascii", "replace")
        self.shape, self.strides = tuple(numbers[:dimensions]), tuple(numbers[4:4 + dimensions])

    def array(self):
        """The frame as a NumPy array that cannot be written to, as its header describes it; without a description, its bytes. ValueError: the description does not fit."""
        import numpy
        if not self.dtype or not self.shape:
            return numpy.frombuffer(self.view, numpy.uint8)
        return numpy.ndarray(self.shape, self.dtype, self.view, strides=self.strides)

    def give_back(self):
        """The publisher may fill the slot again. Further calls have no effect."""
        if self._reader is not None:
            reader, self._reader, self.view = self._reader, None, None
            reader._return(self._entry)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.give_back()


class Reader(Endpoint):
    """The reading end. What becomes of a frame when too many wait: overflow "oldest" drops the oldest, "newest" the new one, and with "wait" the publisher waits."""

    _joined = _leaving = False

    def __init__(self, memory, overflow="oldest", label="", restart=False):
        mode = _MODES[overflow]
        self._join(memory, _FRAMES, True, restart)
        try:
            self._peer = self._place(0)
            psm.Mutex(self.roster, self._peer)
            if not any(self._take_place(index) for index in range(1, self.header.count)):
                raise Busy("every reader is open, or ended and the publisher has yet to notice")
            index = (self.own - self.header.endpoints) // 128
            self.block = self.data + (index - 1) * self.header.block
            self.head, self.returned, self.expected, self.missed, self.held = self._load(self.block), self._load(self.block + _RETURN_TAIL), None, 0, {}
            try:
                if not 0 <= self.returned - self._load(self.block + _RETURN_HEAD) <= self.header.return_ring:
                    raise Corrupt(f"the return ring ends at {self.returned}")
                # What was sent to a former owner goes back.
                self._give_waiting()
            except Corrupt:
                # Nobody else takes the place until the publisher has put it in order.
                psm._swap(self.origin + self.own + _MODE, 0, _EVICTED)
                raise
        except BaseException:
            self._refuse()
            raise
        self._joined = True
        self._put(self.own + _MISSED, 0)
        self._put(self.own + _FIRST, (1 << 64) - 1)
        # The generation comes first: the publisher says of each new one which frame is its first.
        self._occupy(label)
        psm._store4(self.origin + self.own + _MODE, mode, psm._SEQ)

    def _take_place(self, index):
        """Whether the place is free; one whose owner died is for the publisher to put in order."""
        place = self._place(index)
        psm.Mutex(self.roster, place)
        if self._look(place) == DIED or not self._enter(index):
            return False
        if self._entered or psm._read(self.origin + place + _MODE) == _EVICTED:
            self._leave(self.mutex)
            self.mutex = None
            self._notify()
            return False
        return True

    def _take(self):
        """Takes the oldest entry that waits; None: there is none."""
        for _ in range(_MOST_ATTEMPTS):
            head, tail = self._load(self.block), self._load(self.block + _SENT_TAIL)
            if head < self.head:
                break
            if tail == head:
                return None
            if not 0 <= tail - head <= self.header.sent_ring:
                if self._load(self.block) == head:
                    break
                continue  # the publisher has dropped some, and sent more, between the two looks
            entry = self._load(self.block + _RINGS + 8 * (head % self.header.sent_ring))
            if psm._swap64(self.origin + self.block, head, head + 1) == head:
                self.head = head + 1
                return entry
        what = "the ring has indices that cannot be"
        raise self._corrupt(what) if self._joined else Corrupt(what)

    def _give_waiting(self):
        """Returns what waits. The mode is 0: a correct publisher sends one frame more, if it was about to."""
        for _ in range(self.header.sent_ring + 2):
            if (entry := self._take()) is None:
                return
            self._give(entry)
        what = "the publisher sends more than the ring has room for"
        raise self._corrupt(what) if self._joined else Corrupt(what)

    def _give(self, entry):
        self._put(self.block + _RINGS + 8 * (self.header.sent_ring + self.returned % self.header.return_ring), entry)
        self.returned += 1
        self._put(self.block + _RETURN_TAIL, self.returned)

    def _return(self, entry):
        if self.held.pop(entry, None) is not None and self.roster.me:
            self._give(entry)
            self.peer_wakes.notify_all()

    def _require_served(self):
        if psm._read(self.origin + self.own + _MODE) == _EVICTED:
            raise Evicted

    def _waiting(self):
        self._require_served()
        return self._load(self.block) != self._load(self.block + _SENT_TAIL)

    def read(self):
        """The next frame; None: there is none now."""
        self._require_open()
        self._require_served()
        entry = self._take()
        if entry is None:
            return None
        slot, generation = entry & _GENERATION, entry >> 24 & _GENERATION
        if entry >> 48 or slot >= self.header.buffers or entry in self.held:
            raise self._corrupt(f"entry {entry:x}")
        at, length = self.header.slots[slot]
        header = bytes(self.memory[self.header.slot_headers + 128 * slot:self.header.slot_headers + 128 * (slot + 1)])
        sequence, _, used, _, life = struct.unpack_from("<QQIII", header)
        # The first may have been on its way to a former owner: it comes before the one that is named, or none is named yet, and nothing was missed.
        expected = min(self._load(self.own + _FIRST), sequence) if self.expected is None else self.expected
        if life & _GENERATION != generation or used > length or not expected <= sequence <= 1 << 63:
            self._require_served()
            raise self._corrupt(f"slot {slot} in life {generation}: its header has life {life}, {used} bytes and number {sequence}, and {expected} comes next")
        self.missed, self.expected = self.missed + sequence - expected, sequence + 1
        self._put(self.own + _MISSED, self.missed)
        self.peer_wakes.notify_all()
        self.held[entry] = True
        return Frame(self, entry, at, header, memoryview(self.memory)[at:at + used].toreadonly())

    def wait(self, timeout=None):
        """Sleeps until there is a frame. False: the publisher has completed the channel, and everything was read. TimeoutError; PeerDied and PeerLeft, once each."""
        return self._waiting() or self._wait(self._waiting, timeout)

    def close(self):
        """Leaves: what it holds, and what waits for it, goes back."""
        if self.roster.me and self._joined and not self._leaving:
            self._leaving = True
            mode = psm._read(self.origin + self.own + _MODE)
            try:
                if mode != _EVICTED and psm._swap(self.origin + self.own + _MODE, mode, 0) == mode:
                    self._give_waiting()
                    for entry in self.held:
                        self._give(entry)
            except Corrupt:
                pass  # the publisher has everything back when the place has no owner
            self.held.clear()
        super().close()
