"""psm_broadcast: the ends of a broadcast of Posix.SharedMemory.Channels (kind 3: one writer, up to 64 readers of every message), over psm_channel.

    with open("/dev/shm/quotes", "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        with psm_broadcast.Reader(memory, lossy=True, last=10) as reader:
            while reader.wait():
                while (found := reader.read()) is not None:
                    print(found.sequence, found.missed, found.payload)

The bytes and the protocol are in docs/spec/channels/broadcast.md.
"""
import ctypes
import io
import os
from typing import NamedTuple

import psm
from psm_channel import _BROADCAST, _PADDING, _W, DIED, Busy, Completed, Corrupt, Endpoint, Header

_INTENT, _LIMIT, _NEWEST, _NEXT, _START, _MODE, _POSITION, _MISSED = 768, 776, 784, 792, 800, 24, 32, 40
_LOSSLESS, _LOSSY, _EVICTED = 1, 2, 3
_MOST_ATTEMPTS = 1000
_fence = psm._atomic.atomic_thread_fence
_fence.restype, _fence.argtypes = None, (ctypes.c_int,)


class Evicted(Exception):
    """The writer has evicted this reader, and waits for it no longer."""


class Message(NamedTuple):
    """A message: its bytes, type and number, and how many were missed just before it."""

    payload: bytes
    kind: int
    sequence: int
    missed: int


class _End(Endpoint):
    def _measure(self):
        self.prefix, self.history = max(16, self.header.align), self.header.buffers

    def _left(self, at):
        return self.capacity - at % self.capacity

    def _record(self, length):
        return (self.prefix + length + self.align - 1) // self.align * self.align

    def _is_record(self, at, header):
        length = header & 0xFFFFFFFF
        return header >> 32 < 0xFF00 and length <= self.most and self._record(length) <= min(self.tail - at, self._left(at))

    def _is_padding(self, at, header):
        return header == _PADDING and at % self.capacity != 0 and self._left(at) <= self.tail - at

    def _header(self, at):
        return self._load(self.data + at % self.capacity)

    def _sequence(self, at):
        return self._load(self.data + at % self.capacity + 8)

    def _entry(self, sequence):
        return self.data + self.capacity + 8 * (sequence % self.history)


class Writer(_End):
    """The writing end."""

    def __init__(self, memory, label=""):
        self._join(memory, _BROADCAST, False, True)
        self._measure()
        try:
            for index in range(1, self.header.count):
                psm.Mutex(self.roster, self._place(index))
            if not self._enter(0):
                raise Busy("a living process has the writer open")
            self.tail, self.bytes, self.waits, self.intent = (self._load(at) for at in (_W, _W + 16, _W + 24, _INTENT))
            if psm._read(self.origin + _W + 32):
                raise Completed
            if self.tail > 1 << 63 or self.tail % self.align or self.intent % self.align or not 0 <= self.intent - self.tail <= self.capacity:
                raise Corrupt(f"tail {self.tail}, intent {self.intent}")
            # A writer that was killed may not have looked again after its last promise.
            self.limit = self.intent
            self._put(_LIMIT, self.limit)
            self._mend()
            self._put(_W + 8, self.sequence)
        except BaseException:
            self._refuse()
            raise
        self.completed = False
        self._occupy(label)

    def _mend(self):
        """Says what a writer that was killed did not come to say: which records are the newest."""
        at, self.sequence = self._load(_START), self._load(_NEXT)
        if at >= self.tail:
            return
        if at % self.align or self.tail - at > self.capacity:
            raise Corrupt(f"the last record begins at {at}, and the tail is {self.tail}")
        expected = None
        while at != self.tail:
            header = self._header(at)
            if expected is not None and self._is_padding(at, header):
                at += self._left(at)
                continue
            number = self._sequence(at) if self._is_record(at, header) else -1
            if number < 0 or (number > self.sequence if expected is None else number != expected):
                raise Corrupt(f"a record at {at} has the header {header:016x} and the number {number}")
            if self.history:
                self._put(self._entry(number), at)
            newest, expected = at, number + 1
            at += self._record(header & 0xFFFFFFFF)
        if expected < self.sequence:
            raise Corrupt(f"the last record has the number {expected - 1}, and {self.sequence} comes next")
        self.sequence = expected
        self._put(_NEWEST, newest)
        self._put(_NEXT, expected)

    def _least(self):
        """Where the slowest reader is that loses nothing, each place loaded once, and its endpoint."""
        least, slowest = self.tail, None
        for index in range(1, self.header.count):
            place = self._place(index)
            mode = psm._read(self.origin + place + _MODE)
            position = self._load(place + _POSITION)
            if mode > _EVICTED or (mode == _LOSSLESS and (position > self.tail or position % self.align)):
                raise self._corrupt(f"reader {index} is at {position} in mode {mode}, and the tail is {self.tail}")
            if mode == _LOSSLESS and position < least:
                least, slowest = position, place
        return least, slowest

    def _settle(self):
        """Settles the places whose owners died. Whether there was one."""
        settled = False
        for index in range(1, self.header.count):
            place = self._place(index)
            if psm._read(self.origin + place + _MODE) == _LOSSLESS and self._look(place, confirm=True) == DIED:
                mutex = psm.Mutex(self.roster, place)
                died = mutex.enter_unrepaired(0)
                if died is None:
                    continue
                if died:
                    psm._store4(self.origin + place + _MODE, 0, psm._SEQ)
                    mutex.mark_consistent()
                    settled = True
                self._leave(mutex)
        return settled

    def _raise(self, end):
        while end > self.limit:
            least, slowest = self._least()
            promise = min(least + self.capacity, end + self.capacity // 4)  # what is promised is lost for those who join
            if promise > self.limit:
                self._put(_LIMIT, promise)
                _fence(psm._SEQ)  # either this look finds a reader that has just joined, or that reader finds the promise
                most = self._least()[0] + self.capacity
                if most < promise:
                    promise = max(self.limit, most)
                    self._put(_LIMIT, promise)
                self.limit = promise
            if end > self.limit and not self._settle():
                if slowest is not None:
                    self._look(slowest)  # its death ends a wait
                return False
        return True

    def _end(self, length):
        need, left = self._record(length), self._left(self.tail)
        at = self.tail if need <= left else self.tail + left
        return at, at + need

    def try_write(self, message, kind=0):
        """Writes a message. False: a reader that loses nothing still needs the room."""
        length = len(message)
        self.header.require_length(length)
        if not 0 <= kind < 0xFF00:
            raise ValueError(f"type {kind}: types are below 0xff00")
        if self.completed:
            raise Completed
        at, end = self._end(length)
        if not self._raise(end):
            return False
        if end > self.intent:
            self.intent = end
            self._put(_INTENT, end)
        self._put(_START, at)
        _fence(psm._SEQ)  # whoever copies a byte of the new record finds the intent
        if at != self.tail:
            self._put(self.data + self.tail % self.capacity, _PADDING)
        record = self.data + at % self.capacity
        self.memory[record + self.prefix:record + self.prefix + length] = bytes(message)
        self._put(record + 8, self.sequence)
        self._put(record, length | kind << 32)
        if self.history:
            self._put(self._entry(self.sequence), at)
        self.sequence += 1
        self.bytes += length
        self._put(_W + 8, self.sequence)
        self._put(_W + 16, self.bytes)
        self.tail = end
        self._put(_W, end)
        self._put(_NEWEST, at)
        self._put(_NEXT, self.sequence)
        self.peer_wakes.notify_all()
        return True

    def wait(self, length=0, timeout=None):
        """Waits for room."""
        def ready():
            return self._raise(self._end(length)[1])

        if ready():
            return True
        self.waits += 1
        self._put(_W + 24, self.waits)
        return self._wait(ready, timeout)

    def write(self, message, kind=0, timeout=None):
        """Writes a message, waiting for room."""
        while not self.try_write(message, kind):
            self.wait(len(message), timeout)

    def complete(self, error=0):
        """Ends the broadcast: readers drain it, and then see the end."""
        self.completed = True
        self._complete(error)


class Reader(_End):
    """A reader of every message, which the writer waits for; or, with lossy, one that it does not wait for. It begins with the last messages that the history has, or with the next one.

    A lossy one through a mapping for reading only takes no place, stores nothing, and cannot wait. Of a split broadcast the memory is that of the data, mapped for reading only, and control that of the
    other object: its readers are lossy. Both are sealed against shrinking: their receiver requires that seal.
    """

    def __init__(self, memory, lossy=False, last=0, label="", restart=False, control=None):
        self.lossy, self.tail, self.missed, self._expected, self._words, self.own = lossy, 0, 0, None, None, None
        with memoryview(memory if control is None else control) as view:
            self.can_wait = not view.readonly
        if control is not None and not lossy:
            raise ValueError("the readers of a split broadcast may lose messages: open it with lossy=True")
        if not self.can_wait and not lossy:
            raise ValueError("the mapping is for reading only: a reader that loses nothing stores where it is")
        if self.can_wait:
            self._join(memory, _BROADCAST, True, restart, control)
        else:
            self.header, self.memory = Header(memory, _BROADCAST, control), memory
            self.capacity, self.most, self.align, self.data = self.header.capacity, self.header.most, self.header.align, self.header.data
        self._measure()
        # A load of 8 bytes through it is one instruction.
        self._words = memoryview(memory)[:len(memory) // 8 * 8].cast("Q")
        try:
            if self.can_wait:
                self._peer = self._place(0)
                psm.Mutex(self.roster, self._peer)
                self._enter_any()
            self._begin(last)
        except BaseException:
            if self._words is None:
                raise  # what was found corrupt is closed already
            self._words.release()
            self._words = None
            if self.can_wait:
                if self.mutex is not None:
                    psm._store4(self.origin + self.own + _MODE, 0, psm._SEQ)
                self._refuse()
            raise
        if self.can_wait:
            self._occupy(label)

    def close(self):
        """Leaves: the writer waits for it no longer."""
        if self._words is not None:
            self._words.release()
            self._words = None
            if self.can_wait and self.roster.me:
                psm._store4(self.origin + self.own + _MODE, 0, psm._SEQ)
                super().close()

    def _load(self, offset):
        if self._words is None:
            raise ValueError("the reader is closed")
        value = self._words[offset // 8]
        _fence(psm._SEQ)
        return value

    def _enter_any(self):
        for _ in range(100):
            for index in range(1, self.header.count):
                if self._enter(index):
                    return
            os.sched_yield()  # the writer enters the mutex of a dead reader for an instant
        raise Busy("all readers are open")

    def _find(self, wanted, least):
        """The oldest of the last records that begins at a place or after it; None: there is none."""
        high = self._load(_NEXT)
        low, found = high - min(wanted, self.history, high), None
        newest = self._load(self._entry(high - 1)) if low < high else 0
        while low < high:
            middle = (low + high) // 2
            place = self._load(self._entry(middle))
            if least <= place <= newest:
                found, high = place, middle
            else:
                low = middle + 1
        return found

    def _load_tail(self):
        tail = self._load(_W)
        if tail < self.tail or tail > 1 << 63 or tail % self.align:
            raise self._corrupt(f"the tail went from {self.tail} to {tail}")
        self.tail = tail

    def _mode(self, value):
        psm._store4(self.origin + self.own + _MODE, value, psm._SEQ)

    def _begin(self, last):
        if self.can_wait:
            self._mode(0)
            self._put(self.own + _MISSED, 0)
        if self.lossy:
            # Each attempt wants less of the history: a busy writer writes over the oldest of it meanwhile.
            if not any(self._begin_near(last, quarters * (self.capacity // 4)) for quarters in (4, 3, 2)):
                self._go_to_tail()
            self._show()
            if self.can_wait:
                self._mode(_LOSSY)
            return
        self._load_tail()
        self.at = self._at_most_tail(self._find(last, 0))
        self._put(self.own + _POSITION, self.at)
        self._mode(_LOSSLESS)
        _fence(psm._SEQ)  # either the writer's second look finds this reader, or this finds the writer's promise
        least = max(0, self._load(_LIMIT) - self.capacity)
        self._load_tail()
        if self.at < least:
            self.at = self._at_most_tail(self._find(last, least))
        self._require_mode()
        if least > self.tail or self.tail - self.at > self.capacity or self.at % self.align:
            raise Corrupt(f"the limit is {least + self.capacity}, the tail {self.tail}, and the place to begin {self.at}")
        self._put(self.own + _POSITION, self.at)

    def _at_most_tail(self, place):
        return self.tail if place is None else min(place, self.tail)

    def _begin_near(self, wanted, reach):
        """A lossy reader's place to begin. False: the record was written over meanwhile."""
        if not self._load(_NEXT):
            self.at, self._expected = 0, 0
            return True
        newest, intent = self._load(_NEWEST), self._load(_INTENT)
        at = self._find(wanted, max(0, intent - reach))
        at = newest if at is None else min(at, newest)
        self._load_tail()
        if at >= self.tail or at % self.align:
            raise Corrupt(f"the newest record is at {at}, and the tail is {self.tail}")
        header = self._header(at)
        number = self._sequence(at) if self._is_record(at, header) else -1
        if not self._is_whole(at):
            return False
        if not 0 <= number <= at // 16:
            raise Corrupt(f"a record at {at} has the header {header:016x} and the number {number}")
        self.at, self._expected = at, number
        if not wanted or not self.history:
            self.at, self._expected = at + self._record(header & 0xFFFFFFFF), number + 1
        return True

    def _go_to_tail(self):
        self._expected = None
        for _ in range(_MOST_ATTEMPTS):
            following = self._load(_NEXT)
            self._load_tail()
            self.at = self.tail
            if self._load(_W + 8) == following:
                self._expected = following
                return

    def _is_whole(self, at):
        intent = self._load(_INTENT)
        if intent < self.tail:
            raise self._corrupt(f"the intent is {intent}, and the tail {self.tail}")
        return intent - at <= self.capacity

    def _require_mode(self):
        if not self.lossy and psm._read(self.origin + self.own + _MODE) != _LOSSLESS:
            raise Evicted

    def _show(self):
        if self.can_wait:
            self._put(self.own + _POSITION, self.at)
            if not self.lossy:
                self.peer_wakes.notify_all()

    def _skip(self):
        """A reader that was overrun goes to the newer half of the ring, as far as the history knows it; otherwise to the newest record, or past it."""
        self._load_tail()
        newest, half = self._load(_NEWEST), max(0, self._load(_INTENT) - self.capacity // 2)
        place = self._find(1024, half)
        place = newest if place is None else min(place, newest)
        self.at = place if self.at < place < self.tail and place % self.align == 0 else self.tail
        self._show()

    def _ready(self):
        self._require_mode()
        if self.at == self.tail:
            self._load_tail()
        return self.at != self.tail

    def wait(self, timeout=None):
        """Waits for a message. False: the broadcast was completed, and everything was read."""
        if not self.can_wait:
            raise io.UnsupportedOperation("the mapping is for reading only: a process that waits stores that it does")
        return self._ready() or self._wait(self._ready, timeout)

    def read(self):
        """The next message; None: there is none now, or the writer was faster than 1,000 copies."""
        for _ in range(_MOST_ATTEMPTS):
            if not self._ready():
                return None
            at = self.at
            if self.tail - at > self.capacity:
                if not self.lossy:
                    self._require_mode()
                    raise self._corrupt(f"the tail is {self.tail}, and this reader at {at}")
                self._skip()
                continue
            header = self._header(at)
            is_record, length, place = self._is_record(at, header), header & 0xFFFFFFFF, self.data + at % self.capacity
            number = self._sequence(at) if is_record else -1
            payload = self.memory[place + self.prefix:place + self.prefix + length] if is_record else b""  # it may be torn
            _fence(psm._SEQ)
            self._require_mode()
            if self.lossy and not self._is_whole(at):
                self._skip()
                continue
            if not is_record:
                if not self._is_padding(at, header):
                    raise self._corrupt(f"a record at {at} has the header {header:016x}")
                self.at = at + self._left(at)
                continue
            missed = 0 if self._expected is None else number - self._expected
            if number > at // 16 or missed < 0 or (missed and not self.lossy):
                raise self._corrupt(f"a record at {at} has the number {number}, and {self._expected} comes next")
            self.missed += missed
            if missed and self.can_wait:
                self._put(self.own + _MISSED, self.missed)
            self.at, self._expected = at + self._record(length), number + 1
            self._show()
            return Message(payload, header >> 32, number, missed)
        return None
