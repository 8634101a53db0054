"""psm_channel: the ends of a message channel of Posix.SharedMemory.Channels (kind 1), over psm, and what the ends of all kinds share.

psm_connection has connections, psm_broadcast the ends of a broadcast, psm_fanin those of a fan-in, psm_latest those of a latest value, psm_frames the reader of frames. Python 3, Linux, 64-bit, little-endian. The bytes and protocols are in docs/spec/channels.
An end is for one thread at a time; a child after os.fork must not use it.

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
_MESSAGE, _CONNECTION, _BROADCAST, _LATEST, _FRAMES, _FANIN = range(1, 7)
_CALLS = (0xFF01, 0xFF02, 0xFF04)  # the types of the records of calls
OBJECT = 0xFF00  # the type of the record of an object, on a connection
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


class Header:
    """The checked header of a channel of a kind; of a split broadcast, of both objects. ValueError: the bytes are something else."""

    def __init__(self, memory, expected, control=None):
        bytes_ = bytes(memory[:256])
        if len(bytes_) < 256:
            raise ValueError(f"not a channel: {len(bytes_)} bytes")
        magic, kind, _, required, total, epoch = struct.unpack_from("<QHHIQQ", bytes_)
        roster, self.seats, self.count, self.data, self.capacity, self.most, self.align = struct.unpack_from("<IHHQQII", bytes_, 32)
        (self.element,), (self.buffers,) = struct.unpack_from("<I", bytes_, 72), struct.unpack_from("<I", bytes_, 144)
        if magic != _MAGIC or kind != expected or required != (0 if control is None else 4) or total != len(memory) or not epoch or roster != _ROSTER or not 1 <= self.seats <= 1023:
            raise ValueError(f"not a channel of kind {expected} and version 1: magic {magic:016x}, kind {kind}, required {required:x}, {total} of {len(memory)} bytes, epoch {epoch:x}")
        if control is not None and (len(control) != self.data or bytes(control[:256]) != bytes_[:16] + struct.pack("<Q", self.data) + bytes_[24:]):
            raise ValueError(f"the control object does not belong to the data: it has {len(control)} bytes, and should begin with the same header and have {self.data}")
        self.endpoints = (_ROSTER + (64 + 32 * self.seats + 63) // 64 * 64 + 127) // 128 * 128
        self.stride = (16 + self.most + 63) // 64 * 64
        is_ring = 4096 <= self.capacity <= 1 << 30 and not self.capacity & (self.capacity - 1)
        frames = kind == _FRAMES and self._slots(bytes_)
        size = self.size_of_frames if frames else self.buffers * self.stride if kind == _LATEST else self.capacity + 8 * self.buffers if kind == _BROADCAST else self.capacity * (2 if kind == _CONNECTION else 1)
        fits = {
            _MESSAGE: is_ring and self.count == 2 and self.align in (8, 16, 32, 64) and self.most <= self.capacity // 2 - self.align,
            _CONNECTION: is_ring and self.count == 4 and self.align in (8, 16, 32, 64) and self.most <= self.capacity // 2 - self.align,
            _BROADCAST: is_ring and 2 <= self.count <= 65 and self.align in (8, 16, 32, 64) and self.most <= self.capacity // 2 - max(16, self.align) and self.buffers <= 1 << 20,
            _FANIN: is_ring and 2 <= self.count <= 65 and self.align == 16 and self.most <= min(self.capacity // 2, 4095 * 64) - 16,
            _FRAMES: frames and self.capacity == 0 and 2 <= self.count <= 65,
            _LATEST: self.capacity == 0 and self.count == 1 and self.align == 16 and 1 <= self.most <= 1 << 30 and self.buffers in (2, 4, 8, 16, 32, 64),
        }[expected]
        if not fits or self.element not in (0, self.most) or self.data % 4096 or self.data < self.endpoints + 128 * self.count or self.data + size > total:
            raise ValueError(f"the header contradicts itself: {size} bytes at {self.data} of {total}, {self.count} endpoints, aligned to {self.align}, messages up to {self.most}")

    def _slots(self, bytes_):
        """Where the slots of frames are. Whether that can be."""
        self.depth, self.slot_align = struct.unpack_from("<II", bytes_, 148)
        given = [struct.unpack_from("<II", bytes_, 160 + 8 * index) for index in range(8)]
        classes = [(number, 64 * units) for number, units in given[:next((i for i, (number, _) in enumerate(given) if not number), 8)]]
        lengths = [length for _, length in classes]
        slots, align = sum(number for number, _ in classes), self.slot_align
        if (not 1 <= self.depth <= 1024 or not 64 <= align <= 2 << 20 or align & (align - 1) or not 1 <= slots <= 1 << 16 or slots != self.buffers or lengths != sorted(set(lengths))
                or lengths[-1] != self.most or any(length % align or not 0 < length <= 1 << 30 for length in lengths)):
            return False
        self.sent_ring, self.return_ring = 1 << (self.depth - 1).bit_length(), 1 << (slots - 1).bit_length()
        self.block = (512 + 8 * (self.sent_ring + self.return_ring) + 127) // 128 * 128
        self.slot_headers = self.data + (self.count - 1) * self.block
        self.slots, at = [], (self.slot_headers + 128 * slots + align - 1) // align * align
        for number, length in classes:
            self.slots += [(at + index * length, length) for index in range(number)]
            at += number * length
        self.size_of_frames = at - self.data
        return True

    def require_length(self, length):
        """ValueError: a message of that length is not possible."""
        if length > self.most or self.element not in (0, length):
            raise ValueError(f"{length} bytes: {'exactly' if self.element else 'at most'} {self.most}")


class Endpoint:
    """What the ends of all kinds have: the header, a seat of the roster, an endpoint, and the other side that they wait for."""

    _peer = None  # where the endpoint of the other side is
    _peer_line, _most_state = _W, 3
    _is_for_two = False  # a connection: no other peer can come
    _lines = 0  # where the lines and event counts of the ring begin: of a connection's second one 1024 further

    def _join(self, memory, kind, is_reader, restart, control=None):
        """A control object, of a split broadcast, has roster, endpoints and event counts: what the origin is of."""
        self.header, self.control = Header(memory, kind, control), memory if control is None else control
        self.capacity, self.most, self.align, self.data = self.header.capacity, self.header.most, self.header.align, self.header.data
        self.memory, self.restart, self.is_reader, self.mutex, self._told, self._life = memory, restart, is_reader, None, None, None
        self.roster = psm.Roster(self.control, _ROSTER, self.header.seats)
        self.origin = self.roster.origin
        wakes = (_WAKES_READER, _WAKES_WRITER) if is_reader else (_WAKES_WRITER, _WAKES_READER)
        try:
            self.wakes, self.peer_wakes, self.changes = (psm.EventCount(self.roster, self._lines + at) for at in (*wakes, _CHANGES))
        except BaseException:
            self._refuse()
            raise

    def _place(self, index):
        """Where an endpoint is."""
        return self.header.endpoints + 128 * index

    def _enter(self, index):
        """Enters an endpoint without waiting. False: a living process has it open."""
        self.own = self._place(index)
        mutex = psm.Mutex(self.roster, self.own)
        try:
            # A former owner's end is confirmed by the entry: it stores nothing more.
            self._entered = mutex.enter_unrepaired(0)
        except (psm.Retired, ValueError) as error:
            raise Corrupt(f"the endpoint at {self.own} was overwritten: {error}") from error
        self.mutex = None if self._entered is None else mutex
        return self.mutex is not None

    def _occupy(self, label):
        """The endpoint is this process's: counts the generation, and shows role and label."""
        own = self.origin + self.own
        generation = psm._read(own + 16)
        self.had_predecessor = bool(generation or self._entered)
        psm._store4(own + 16, (generation + 1) & 0xFFFFFFFF, psm._SEQ)
        psm._store4(own + 20, 2 if self.is_reader else 1, psm._SEQ)
        psm._store8(own + 48, time.clock_gettime_ns(time.CLOCK_BOOTTIME), psm._SEQ)
        self.control[self.own + 64:self.own + 96] = label.encode()[:32].ljust(32, b"\0")
        if self._entered:
            self.mutex.mark_consistent()
        self._notify()

    def _refuse(self):
        """Leaves what was entered as it was found; what was found corrupt is closed already."""
        if self.roster.me:
            self._leave(self.mutex)
            self.roster.leave()

    @staticmethod
    def _leave(mutex):
        """Leaves a mutex. Where a peer has overwritten the word there is nothing left to leave."""
        try:
            if mutex is not None:
                mutex.leave()
        except RuntimeError:
            pass

    def _require_open(self):
        if not self.roster.me:
            raise ValueError("the end is closed")

    def _load(self, offset):
        self._require_open()
        return psm._load8(self.origin + offset, psm._SEQ)

    def _put(self, offset, value):
        self._require_open()
        psm._store8(self.origin + offset, value, psm._SEQ)

    _bell = None  # of a connection: sends a byte over the socket

    def _wake_peer(self):
        """Notifies the other side; also by a byte on the socket, if it sleeps in a loop of its own."""
        if self.peer_wakes.notify_all() and self._bell is not None and psm._read(self.origin + self._peer + 28) & 1:
            self._bell()

    def _notify(self):
        self._wake_peer()
        for count in (self.wakes, self.changes):
            count.notify_all()

    def close(self):
        """Leaves; another process may go on."""
        if self.roster.me:
            self._leave(self.mutex)
            self._notify()
            self.roster.leave()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _complete(self, error):
        self._require_open()
        line = self.origin + self._lines + _W
        psm._store4(line + 36, error & 0xFFFFFFFF, psm._SEQ)
        psm._store4(line + 32, 2 if error else 1, psm._SEQ)
        self._notify()

    def _look(self, place, confirm=False):
        """What has become of an endpoint. With confirm, a dead owner stores nothing more afterwards."""
        word = psm._read(self.origin + place)
        owner = word & psm.OWNER
        if owner & 1 << 28:
            try:
                lives, life, value = self.roster.alive(owner)
            except ValueError as error:
                raise self._corrupt(str(error)) from error
            if lives and place == self._place(0) and psm._read(self.origin + place + 28) & 2:
                # A successor of a publisher of frames has entered the mutex, and does not open the endpoint; it stores the mark afterwards.
                return DIED if word & psm.INCONSISTENT else LEFT
            if lives:
                self._life = life, value
                return ALIVE
            if confirm:
                self.roster.confirm_end(owner)
            return DIED
        return DIED if word & psm.INCONSISTENT else LEFT if psm._read(self.origin + place + 16) else NEVER

    def peer_state(self, confirm=False):
        """What has become of the other side. With confirm, a dead one stores nothing more afterwards."""
        self._require_open()
        return self._look(self._peer, confirm)

    def _corrupt(self, what):
        self.close()
        return Corrupt(what)

    def _wait(self, ready, timeout):
        """Sleeps until it is ready. False: the other side has ended the channel."""
        deadline, looked = None if timeout is None else time.monotonic() + timeout, time.monotonic()
        while True:
            self._require_open()
            key, state, generation, peer, self._life = self.wakes.prepare(), 0, None, ALIVE, None
            if self._peer is not None:
                # The end and the life before the index.
                state, generation = self._load(self._peer_line + 32) & 0xFFFFFFFF, psm._read(self.origin + self._peer + 16)
                if state > self._most_state:
                    raise self._corrupt(f"state {state}")
                peer = ALIVE if state else self.peer_state(confirm=True)
            if ready():
                return True
            if state:
                if state == 2 and self.is_reader:
                    raise WriterError(struct.unpack("<ii", struct.pack("<Q", self._load(self._lines + _W + 32)))[1])
                return False
            if peer in (DIED, LEFT) and not self.restart and (self._told != generation or self._is_for_two):
                self._told = generation
                raise PeerDied if peer == DIED else PeerLeft
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError
            # The end of the process that is waited for wakes too; where the kernel could not mark it, it is looked for.
            lives = () if self._life is None else (self._life,)
            if psm._read(self.wakes.word) == key and psm._sleep((self.wakes.word, key), *lives, deadline=psm._bounded(None if deadline is None else int(deadline * 1e9))):
                if lives and time.monotonic() - looked >= 0.05:
                    self.roster._witness(self._life[0])
                    looked = time.monotonic()


class _End(Endpoint):
    def __init__(self, memory, is_reader, label, restart, direction=None):
        """A direction: an end of one of the two rings of a connection."""
        self._lines, first, self.has_objects, self.objects = 1024 * (direction or 0), 2 * (direction or 0), direction is not None, 0
        self._is_for_two = self.has_objects
        self._join(memory, _MESSAGE if direction is None else _CONNECTION, is_reader, restart)
        self.data += self.capacity * (direction or 0)
        try:
            writer_line, reader_line = self._lines + _W, self._lines + _R
            self.line, self._peer_line, self._most_state = (reader_line, writer_line, 3) if is_reader else (writer_line, reader_line, 1)
            self._peer = self._place(first + int(not is_reader))
            psm.Mutex(self.roster, self._peer)
            if not self._enter(first + int(is_reader)):
                raise Busy("a living process has this end open")
            head, tail = self._load(reader_line), self._load(writer_line)
            if tail > 1 << 63 or tail % self.align or head % self.align or not 0 <= tail - head <= self.capacity:
                raise Corrupt(f"head {head}, tail {tail}")
            if not is_reader and psm._read(self.origin + writer_line + 32):
                raise Completed
        except BaseException:
            self._refuse()
            raise
        self.index, self.seen = (head, tail) if is_reader else (tail, head)
        self.messages, self.bytes, self.waits = (self._load(self.line + at) for at in (8, 16, 24))
        self.published = self.index
        self._occupy(label)
        self.redelivered_before = tail if is_reader and self.had_predecessor else 0

    def _record(self, length):
        return (self.align + length + self.align - 1) // self.align * self.align

    def _store(self, index):
        self._put(self.line + 8, self.messages)
        self._put(self.line + 16, self.bytes)
        self._put(self.line, index)
        self._wake_peer()

    def _wait_counted(self, ready, timeout):
        if ready():
            return True
        self.waits += 1
        self._put(self.line + 24, self.waits)
        return self._wait(ready, timeout)


class Writer(_End):
    """The writing end."""

    def __init__(self, memory, label="", restart=False, direction=None):
        super().__init__(memory, False, label, restart, direction)
        self.completed = False

    def _fits(self, length):
        need, room = self._record(length), self.capacity - self.index % self.capacity
        total = need if need <= room else room + need
        if self.index + total - self.seen <= self.capacity:
            return True
        head = self._load(self._peer_line)
        if not self.seen <= head <= self.published or head % self.align:
            raise self._corrupt(f"the head went from {self.seen} to {head}")
        self.seen = head
        return self.index + total - head <= self.capacity

    def try_write(self, message, kind=0):
        """Writes a message. False: there is no room now."""
        if not 0 <= kind < 0xFF00:
            raise ValueError(f"type {kind}: types are below 0xff00")
        return self._try_put(message, kind)

    def _try_put(self, message, kind):
        length = len(message)
        self.header.require_length(length)
        if self.completed:
            raise Completed
        if not self._fits(length):
            return False
        need, offset = self._record(length), self.index % self.capacity
        if need > self.capacity - offset:
            self._put(self.data + offset, _PADDING)
            self.index += self.capacity - offset
            offset = 0
        at = self.data + offset + self.align
        self.memory[at:at + length] = bytes(message)
        self._put(self.data + offset, length | kind << 32)
        self.index += need
        self.published = self.index
        self.messages += 1
        self.bytes += length
        self._store(self.index)
        return True

    def wait(self, length=0, timeout=None):
        """Waits for room. False: the reader takes no more."""
        return self._wait_counted(lambda: self._fits(length), timeout)

    def write(self, message, kind=0, timeout=None):
        """Writes a message, waiting for room."""
        while not self.try_write(message, kind):
            if not self.wait(len(message), timeout):
                raise Completed

    def complete(self, error=0):
        """Ends the channel: the reader drains it, and then sees the end."""
        self.completed = True
        self._complete(error)


class Reader(_End):
    """The reading end."""

    def __init__(self, memory, label="", restart=False, direction=None):
        super().__init__(memory, True, label, restart, direction)
        self.is_redelivered = False
        self.accepts_calls = False  # of psm_calls: records of calls are no corruption

    def _ready(self):
        if self.index != self.seen:
            return True
        tail = self._load(self._peer_line)
        if not self.seen <= tail <= self.index + self.capacity or tail % self.align:
            raise self._corrupt(f"the tail went from {self.seen} to {tail}")
        self.seen = tail
        return self.index != tail

    def wait(self, timeout=None):
        """Waits for a message. False: the channel was completed and drained."""
        return self._wait_counted(self._ready, timeout)

    def _find(self):
        while self._ready():
            offset, left = self.index % self.capacity, self.seen - self.index
            room, header = self.capacity - offset, self._load(self.data + offset)
            if header == _PADDING and offset and room <= left:
                self.index += room
                continue
            length, kind = header & 0xFFFFFFFF, header >> 32 & 0xFFFF
            # The record of an object has its number, which is one more than the last.
            is_object = self.has_objects and (kind, length) == (OBJECT, 8) and self._load(self.data + offset + self.align) == self.objects + 1
            is_call = self.accepts_calls and kind in _CALLS
            if header >> 48 or (kind >= 0xFF00 and not is_object and not is_call) or length > self.most or self._record(length) > min(left, room):
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
            self._pass(length, kind)

    def try_read(self):
        """The next message as (bytes, type); None: there is none now."""
        found = self._find()
        if found is None:
            return None
        at, length, kind = found
        message = bytes(self.memory[at:at + length])
        self._pass(length, kind)
        return message, kind

    def _pass(self, length, kind):
        self.index += self._record(length)
        self.messages += 1
        self.bytes += length
        self.objects += kind == OBJECT
        self._store(self.index)
