"""psm_channel: the ends of a message channel of Posix.SharedMemory.Channels (kind 1), over psm.

Python 3, Linux, 64-bit, little-endian. The bytes and protocols are in docs/spec/channels. An end is for one thread at a time; a child after os.fork must not use it.

    with open("/dev/shm/quotes", "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        with psm_channel.Reader(memory) as reader:
            while reader.wait():
                for payload, kind in reader.read_available():
                    print(bytes(payload))
"""
import struct
import time

import psm

_W, _R, _WAKES_READER, _WAKES_WRITER, _CHANGES, _ROSTER = 256, 384, 512, 640, 704, 4096
_MAGIC, _PADDING = 0x014E4148434D4853, 1 << 48
NEVER, ALIVE, LEFT, DIED = range(4)


class Corrupt(Exception):
    """A peer stored what no correct peer stores. The end is closed."""


class Busy(Exception):
    """A living process has the end open."""


class Completed(Exception):
    """The channel was completed: nothing more can be written."""


class PeerDied(Exception):
    """The process on the other side died, and everything it had committed was delivered."""


class PeerLeft(Exception):
    """The other side was closed without completing, and everything was delivered."""


class WriterError(Exception):
    """The writer ended the channel with an error: its number is the argument."""


class _End:
    def __init__(self, memory, is_reader, label, restart):
        header = bytes(memory[:256])
        magic, kind, _, required, total = struct.unpack_from("<QHHIQ", header)
        roster, seats, endpoints, data, self.capacity, self.most, align = struct.unpack_from("<IHHQQII", header, 32)
        if magic != _MAGIC or kind != 1 or required or total != len(memory) or roster != _ROSTER or not 1 <= seats <= 1023 or endpoints != 2:
            raise ValueError(f"not a message channel of version 1: magic {magic:016x}, kind {kind}, required {required:x}, {total} of {len(memory)} bytes")
        first = (_ROSTER + (64 + 32 * seats + 63) // 64 * 64 + 127) // 128 * 128
        if align not in (8, 16, 32, 64) or not 4096 <= self.capacity <= 1 << 30 or self.capacity & (self.capacity - 1) or data % 4096 or data < first + 256 \
                or data + self.capacity > total or self.most > self.capacity // 2 - align:
            raise ValueError(f"the header contradicts itself: {self.capacity} bytes at {data} of {total}, aligned to {align}, messages up to {self.most}")
        self.align, self.data, self.memory, self.restart, self.told = align, data, memory, restart, None
        self.roster = psm.Roster(memory, _ROSTER, seats)
        try:
            origin = self.origin = self.roster.origin
            self.line, self.peer_line = (origin + _R, origin + _W) if is_reader else (origin + _W, origin + _R)
            self.own, self.peer = first + 128 * is_reader, first + 128 * (not is_reader)
            self.mutex = psm.Mutex(self.roster, self.own)
            psm.Mutex(self.roster, self.peer)
            wakes = (_WAKES_READER, _WAKES_WRITER) if is_reader else (_WAKES_WRITER, _WAKES_READER)
            self.wakes, self.peer_wakes, self.changes = (psm.EventCount(self.roster, at) for at in (*wakes, _CHANGES))
            entered = self.mutex.enter_unrepaired(0)
            if entered is None:
                raise Busy("a living process has this end open")
        except BaseException:
            self.roster.leave()
            raise
        try:
            # A former owner's end is confirmed by the entry: it stores nothing more.
            head, tail = self._index(origin + _R), self._index(origin + _W)
            if tail > 1 << 63 or tail % align or head % align or not 0 <= tail - head <= self.capacity:
                raise Corrupt(f"head {head}, tail {tail}")
            if not is_reader and psm._read(origin + _W + 32):
                raise Completed
        except BaseException:
            self.mutex.leave()
            self.roster.leave()
            raise
        self.index, self.seen = (head, tail) if is_reader else (tail, head)
        self.messages, self.bytes, self.waits = (self._index(self.line + at) for at in (8, 16, 24))
        self.is_reader, self.published = is_reader, self.index
        generation = psm._read(origin + self.own + 16)
        self.redelivered_before = tail if is_reader and (generation or entered) else 0
        psm._store4(origin + self.own + 16, (generation + 1) & 0xFFFFFFFF, psm._SEQ)
        psm._store4(origin + self.own + 20, 2 if is_reader else 1, psm._SEQ)
        psm._store8(origin + self.own + 48, time.clock_gettime_ns(time.CLOCK_BOOTTIME), psm._SEQ)
        memory[self.own + 64:self.own + 96] = label.encode()[:32].ljust(32, b"\0")
        if entered:
            self.mutex.mark_consistent()
        self._notify()

    @staticmethod
    def _index(address):
        return psm._load8(address, psm._SEQ)

    def _notify(self):
        for count in (self.peer_wakes, self.wakes, self.changes):
            count.notify_all()

    def close(self):
        """Leaves; another process may go on."""
        if self.roster.me:
            self.mutex.leave()
            self._notify()
            self.roster.leave()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def peer_state(self, confirm=False):
        """What has become of the other side. With confirm, a dead one stores nothing more afterwards."""
        word = psm._read(self.origin + self.peer)
        owner = word & psm.OWNER
        if owner & 1 << 28:
            if self.roster.alive(owner)[0]:
                return ALIVE
            if confirm:
                self.roster.confirm_end(owner)
            return DIED
        return DIED if word & psm.INCONSISTENT else LEFT if psm._read(self.origin + self.peer + 16) else NEVER

    def _corrupt(self, what):
        self.close()
        return Corrupt(what)

    def _record(self, length):
        return (self.align + length + self.align - 1) // self.align * self.align

    def _store(self, index):
        psm._store8(self.line + 8, self.messages, psm._SEQ)
        psm._store8(self.line + 16, self.bytes, psm._SEQ)
        psm._store8(self.line, index, psm._SEQ)
        self.peer_wakes.notify_all()

    def _wait(self, ready, timeout):
        if ready():
            return True
        deadline = None if timeout is None else time.monotonic() + timeout
        self.waits += 1
        psm._store8(self.line + 24, self.waits, psm._SEQ)
        while True:
            key = self.wakes.prepare()
            # The end and the life before the index.
            state, generation = psm._read(self.peer_line + 32), psm._read(self.origin + self.peer + 16)
            if state > (3 if self.is_reader else 1):
                raise self._corrupt(f"state {state}")
            peer = ALIVE if state else self.peer_state(confirm=True)
            if ready():
                return True
            if state:
                if state == 2 and self.is_reader:
                    raise WriterError(struct.unpack("<i", struct.pack("<I", psm._read(self.peer_line + 36)))[0])
                return False
            if peer in (DIED, LEFT) and not self.restart and self.told != generation:
                self.told = generation
                raise PeerDied if peer == DIED else PeerLeft
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError
            if psm._read(self.wakes.word) == key:
                psm._sleep((self.wakes.word, key), deadline=None if deadline is None else int(deadline * 1e9))


class Writer(_End):
    """The writing end."""

    def __init__(self, memory, label="", restart=False):
        super().__init__(memory, False, label, restart)
        self.completed = False

    def _fits(self, length):
        need, room = self._record(length), self.capacity - self.index % self.capacity
        total = need if need <= room else room + need
        if self.index + total - self.seen <= self.capacity:
            return True
        head = self._index(self.peer_line)
        if not self.seen <= head <= self.published or head % self.align:
            raise self._corrupt(f"the head went from {self.seen} to {head}")
        self.seen = head
        return self.index + total - head <= self.capacity

    def try_write(self, message, kind=0):
        """Writes a message. False: there is no room now."""
        length = len(message)
        if length > self.most or not 0 <= kind < 0xFF00:
            raise ValueError(f"{length} bytes of type {kind}: at most {self.most}, and types below 0xff00")
        if self.completed:
            raise Completed
        if not self._fits(length):
            return False
        need, offset = self._record(length), self.index % self.capacity
        if need > self.capacity - offset:
            psm._store8(self.origin + self.data + offset, _PADDING, psm._SEQ)
            self.index += self.capacity - offset
            offset = 0
        at = self.data + offset + self.align
        self.memory[at:at + length] = bytes(message)
        psm._store8(self.origin + self.data + offset, length | kind << 32, psm._SEQ)
        self.index += need
        self.published = self.index
        self.messages += 1
        self.bytes += length
        self._store(self.index)
        return True

    def wait(self, length=0, timeout=None):
        """Waits for room. False: the reader takes no more."""
        return self._wait(lambda: self._fits(length), timeout)

    def write(self, message, kind=0, timeout=None):
        """Writes a message, waiting for room."""
        while not self.try_write(message, kind):
            if not self.wait(len(message), timeout):
                raise Completed

    def complete(self, error=0):
        """Ends the channel: the reader drains it, and then sees the end."""
        self.completed = True
        psm._store4(self.line + 36, error & 0xFFFFFFFF, psm._SEQ)
        psm._store4(self.line + 32, 2 if error else 1, psm._SEQ)
        self._notify()


class Reader(_End):
    """The reading end."""

    def __init__(self, memory, label="", restart=False):
        super().__init__(memory, True, label, restart)
        self.is_redelivered = False

    def _ready(self):
        if self.index != self.seen:
            return True
        tail = self._index(self.peer_line)
        if not self.seen <= tail <= self.index + self.capacity or tail % self.align:
            raise self._corrupt(f"the tail went from {self.seen} to {tail}")
        self.seen = tail
        return self.index != tail

    def wait(self, timeout=None):
        """Waits for a message. False: the channel was completed and drained."""
        return self._wait(self._ready, timeout)

    def _find(self):
        while self._ready():
            offset, left = self.index % self.capacity, self.seen - self.index
            room, header = self.capacity - offset, self._index(self.origin + self.data + offset)
            if header == _PADDING and offset and room <= left:
                self.index += room
                continue
            length, kind = header & 0xFFFFFFFF, header >> 32 & 0xFFFF
            if header >> 48 or kind >= 0xFF00 or length > self.most or self._record(length) > min(left, room):
                raise self._corrupt(f"a record at {offset} has the header {header:016x}")
            self.is_redelivered = self.index < self.redelivered_before
            return self.data + offset + self.align, length, kind
        return None

    def read_available(self):
        """The messages that are there: (memoryview, type), each valid until the next. Room is given back as the loop goes on."""
        while (found := self._find()) is not None:
            at, length, kind = found
            with memoryview(self.memory) as view, view[at:at + length] as payload:
                yield payload, kind
            self.index += self._record(length)
            self.messages += 1
            self.bytes += length
            self._store(self.index)

    def try_read(self):
        """The next message as (bytes, type); None: there is none now."""
        found = self._find()
        if found is None:
            return None
        at, length, kind = found
        message = bytes(self.memory[at:at + length])
        self.index += self._record(length)
        self.messages += 1
        self.bytes += length
        self._store(self.index)
        return message, kind
