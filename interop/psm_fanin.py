"""psm_fanin: the ends of a fan-in of Posix.SharedMemory.Channels (kind 6: many writers, one reader, one order), over psm_channel.

    with open("/dev/shm/log", "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        with psm_fanin.Writer(memory, "python") as writer:
            writer.write(b"started")
            with writer.batch() as batch:
                batch.try_write(b"one")
                batch.try_write(b"two")

The bytes and the protocol are in docs/spec/channels/fanin.md.
"""
import contextlib

import psm
from psm_channel import _FANIN, _R, ALIVE, DIED, Busy, Completed, Corrupt, Endpoint

_CLAIM, _SKIPPED, _LINE, _BATCH_LINES, _MOST_ATTEMPTS = 768, 896, 64, 32, 1_000_000
_POSITIONS, _TAG, _COMMITTED, _PAD = (1 << 46) - 1, (1 << 38) - 1, 1 << 63, 1 << 62


class Full(Exception):
    """All writers are open, or were killed and the reader has yet to pass their last messages."""


def _lines_for(length):
    return (length + 16 + _LINE - 1) // _LINE


def _distance(start, end):
    return (end - start) & _POSITIONS


def _is_before(position, other):
    return 0 < _distance(position, other) < 1 << 45


class _Claim:
    """The claim word: position << 18, lines << 6, writer."""

    def __init__(self, word):
        self.word, self.position, self.lines, self.writer, self.last = word, word >> 18, word >> 6 & 0xFFF, word & 0x3F, word >> 6
        self.end = (self.position + self.lines) & _POSITIONS


class _Lines(Endpoint):
    def _start(self, memory, is_reader, restart):
        self._join(memory, _FANIN, is_reader, restart)
        self.lines, self.writers = self.capacity // _LINE, self.header.count - 1

    def _head(self):
        return self._load(_R) & _POSITIONS

    def _claim(self):
        return _Claim(self._load(_CLAIM))

    def _line(self, position):
        """Where a line is."""
        return self.data + position % self.lines * _LINE

    def _last(self, writer):
        """Where the last claim of a writer is: position << 12, lines."""
        return self._place(writer) + 32


class Writer(_Lines):
    """One of the writers."""

    _peer_line, _most_state = _R, 1
    _taken = None  # of a batch that is open: where its lines are, how many, how many are used, and the header that comes last

    def __init__(self, memory, label="", restart=False):
        self._start(memory, False, restart)
        try:
            self._peer = self._place(self.writers)
            psm.Mutex(self.roster, self._peer)
            if not self._enter_any():
                raise Full(f"all {self.writers} writers are open, or ended with messages that the reader has yet to pass")
            # The last claim may be so old that it would compare as newer than the next one.
            self._put(self._last(self.me), self._claim().end << 12)
            self.head, self._taken = self._head(), None
        except BaseException:
            self._refuse()
            raise
        self._occupy(label)

    def _enter_any(self):
        # First one whose last owner's messages were read: what is still to be read keeps its writer's label.
        for is_first in (True, False):
            for writer in range(self.writers):
                psm.Mutex(self.roster, self._place(writer))
                if (is_first or self._look(self._place(writer), confirm=True) == DIED) and not self._is_settled(writer):
                    continue
                if self._enter(writer):
                    if not self._entered or self._is_settled(writer):
                        self.me = writer
                        return True
                    # Another process took it, used it and died between the two looks: it stays as it was found.
                    self._leave(self.mutex)
                    self.mutex = None
                    self._notify()
        return False

    def _is_settled(self, writer):
        # The claim word comes before the last claim, which stands there before the word moves on.
        claim, last, head = self._claim(), self._load(self._last(writer)), self._head()
        return (claim.writer != writer or not claim.lines or _is_before(claim.position, head)) \
            and (not last & 0xFFF or _is_before(last >> 12 & _POSITIONS, head))

    def _help(self, seen):
        """Makes the last claim stand in its owner's endpoint, before the claim word moves on. False: it has moved on already."""
        if seen.writer >= self.writers:
            raise self._corrupt(f"the claim word names writer {seen.writer} of {self.writers}")
        at = self._last(seen.writer)
        while True:
            current = self._load(at)
            if not 0 < (seen.last - current) & ((1 << 58) - 1) < 1 << 57:
                return True
            if seen.writer == self.me:
                self._put(at, seen.last)
                return True
            if self._load(_CLAIM) != seen.word:
                return False
            if psm._swap64(self.origin + at, current, seen.last) == current:
                return True

    def _total(self, need, position):
        room = self.lines - position % self.lines
        return need if need <= room else room + need

    def _has_room(self, seen, total):
        """Whether the reader has made room past the claims that were seen. None: other claims have come meanwhile."""
        self.head = self._head()
        used = _distance(self.head, seen.end)
        if used > self.lines:
            if self._load(_CLAIM) != seen.word:
                return None
            raise self._corrupt(f"the head is {self.head}, and claims go on at {seen.end}")
        # A writer that has been idle for long: its last claim must not be so old that it compares as a later one.
        last = self._load(self._last(self.me))
        if seen.writer != self.me and _distance(last >> 12 & _POSITIONS, seen.end) > 1 << 40:
            self._put(self._last(self.me), seen.end << 12)
        return used + total <= self.lines

    def _take(self, need):
        """Claims lines. None: there is no room now."""
        for _ in range(_MOST_ATTEMPTS):
            seen = self._claim()
            if seen.lines and not self._help(seen):
                continue
            at, total = seen.end, self._total(need, seen.end)
            lines = min(need, self.lines - at % self.lines)
            if _distance(self.head, at) + total > self.lines:
                has_room = self._has_room(seen, total)
                if has_room is None:
                    continue
                if not has_room:
                    return None
            if psm._swap64(self.origin + _CLAIM, seen.word, at << 18 | lines << 6 | self.me) != seen.word:
                continue
            if lines == need:
                return at
            # What was left before the end of the data: the message is at its beginning, if there is still room.
            self._pad(at, lines)
            self.peer_wakes.notify_all()
        raise self._corrupt(f"the claim word changed {_MOST_ATTEMPTS} times before a claim")

    def _pad(self, at, lines):
        self._put(self._line(at), _COMMITTED | _PAD | self.me << 56 | (_LINE * lines - 16) << 38 | at & _TAG)

    def _fill(self, at, message, kind):
        """Fills claimed lines, and returns the header that commits them."""
        place, length = self._line(at), len(message)
        self.memory[place + 16:place + 16 + length] = bytes(message)
        self._put(place + 8, kind)
        return _COMMITTED | self.me << 56 | length << 38 | at & _TAG

    def _require(self, message, kind):
        self.header.require_length(len(message))
        if not 0 <= kind < 0xFF00:
            raise ValueError(f"type {kind}: types are below 0xff00")

    def try_write(self, message, kind=0):
        """Writes a message. False: there is no room now."""
        self._require(message, kind)
        if self._taken is not None:
            raise RuntimeError("a batch is open")
        at = self._take(_lines_for(len(message)))
        if at is None:
            return False
        self._put(self._line(at), self._fill(at, message, kind))
        self.peer_wakes.notify_all()
        return True

    def wait(self, length=0, timeout=None):
        """Waits until there was room for a message, which another writer may take. False: the reader takes no more."""

        def ready():
            seen = self._claim()
            total = self._total(_lines_for(length), seen.end)
            return _distance(self.head, seen.end) + total <= self.lines or self._has_room(seen, total) is not False

        return ready() or self._wait(ready, timeout)

    def write(self, message, kind=0, timeout=None):
        """Writes a message, waiting for room."""
        while not self.try_write(message, kind):
            if not self.wait(len(message), timeout):
                raise Completed

    @contextlib.contextmanager
    def batch(self):
        """Claims lines for several messages at once. They arrive together, when the lines of a claim are used up and at the end; others wait meanwhile, so keep it short."""
        if self._taken is not None:
            raise RuntimeError("a batch is open")
        self._taken = (0, 0, 0, 0)
        try:
            yield _Batch(self)
        finally:
            try:
                self._send()
            finally:
                self._taken = None

    def _add(self, message, kind):
        self._require(message, kind)
        if self._taken is None:
            raise RuntimeError("the batch has ended")
        at, lines, used, first = self._taken
        need = _lines_for(len(message))
        if used + need > lines:
            # One claim at a time: only the last one of a writer can be put down to it.
            self._send()
            lines = max(need, min(_BATCH_LINES, self.lines // 8))
            at, used = self._take(lines), 0
            if at is None:
                at, lines = self._take(need), need
            if at is None:
                return False
        header = self._fill(at + used, message, kind)
        if used:
            self._put(self._line(at + used), header)
        self._taken = at, lines, used + need, first if used else header
        return True

    def _send(self):
        at, lines, used, first = self._taken
        self._taken = (0, 0, 0, 0)
        if lines and self.roster.me:
            if used < lines:
                self._pad(at + used, lines - used)
            # The first header comes last: the reader sees all of them or none.
            self._put(self._line(at), first)
            self.peer_wakes.notify_all()

    def close(self):
        """Leaves; another process may go on. A batch that was not sent becomes padding."""
        if self._taken is not None and self.roster.me:
            (at, lines, _, _), self._taken = self._taken, (0, 0, 0, 0)
            if lines:
                self._pad(at, lines)
        super().close()


class _Batch:
    def __init__(self, writer):
        self._writer = writer

    def try_write(self, message, kind=0):
        """Adds a message. False: there is no room now."""
        return self._writer._add(message, kind)


class Reader(_Lines):
    """The reading end. lost_claims counts the messages whose writers died before they committed them, since it was opened."""

    def __init__(self, memory, label=""):
        self._start(memory, True, True)
        try:
            for writer in range(self.writers):
                psm.Mutex(self.roster, self._place(writer))
            if not self._enter(self.writers):
                raise Busy("a living process has the reader open")
            self.head = self.released = self._head()
            releasing, claimed = self._load(_R + 40) & _POSITIONS, _distance(self.head, self._claim().end)
            if claimed > self.lines or _distance(self.head, releasing) > claimed:
                raise Corrupt(f"head {self.head}, releasing {releasing}, and claims go on at {self._claim().end}")
        except BaseException:
            self._refuse()
            raise
        self.messages, self.bytes, self.waits = (self._load(_R + at) for at in (8, 16, 24))
        self.skipped, self.skipped_bytes, self.lost_claims, self.is_redelivered = self._load(_SKIPPED), self._load(_SKIPPED + 8), 0, False
        # A living writer has long committed these, and would be waited for.
        self._skip(_distance(self.head, releasing))
        self._occupy(label)
        self.redelivered = self._claim().end if self.had_predecessor else self.head

    def _release(self):
        """Gives the room of what was passed back to the writers. Headers are zero before."""
        self._put(_R + 40, self.head)
        while self.released != self.head:
            self._put(self._line(self.released), 0)
            self.released = (self.released + 1) & _POSITIONS
        self._put(_R + 8, self.messages)
        self._put(_R + 16, self.bytes)
        self._put(_R, self.head)
        self.peer_wakes.notify_all()

    def _skip(self, lines):
        if lines:
            self.head = (self.head + lines) & _POSITIONS
            self._release()

    def _is_committed(self):
        return self._load(self._line(self.head)) & _COMMITTED

    def _pass_dead(self):
        """Looks whose the claim at the head is, and passes over it if its writer will never commit it. True: the head is worth another look."""
        seen = self._claim()
        if seen.end == self.head:
            return False
        owner, lines = (seen.writer, seen.lines) if seen.position == self.head and seen.lines else (None, 0)
        for writer in range(self.writers if owner is None else 0):
            last = self._load(self._last(writer))
            if last >> 12 & _POSITIONS == self.head and last & 0xFFF:
                owner, lines = writer, last & 0xFFF
                break
        if owner is None:
            # It has been committed meanwhile, and its writer has claimed again.
            if self._is_committed() or self._load(_CLAIM) != seen.word:
                return True
            raise self._corrupt(f"claims go on at {seen.end}, and no writer owns the one at {self.head}")
        if owner >= self.writers:
            raise self._corrupt(f"the claim word names writer {owner} of {self.writers}")
        state = self._look(self._place(owner), confirm=True)
        # It may have committed, and died or left then.
        if self._is_committed():
            return True
        if state == ALIVE:
            return False
        if lines > self.lines - self.head % self.lines:
            raise self._corrupt(f"a claim has {lines} lines at {self.head}, past the end of the data")
        self.lost_claims += 1
        self.skipped += 1
        self.skipped_bytes += lines * _LINE
        self._put(_SKIPPED, self.skipped)
        self._put(_SKIPPED + 8, self.skipped_bytes)
        self._skip(lines)
        return True

    def _find(self):
        """Where the next message is, with length, type and writer; None: there is none now."""
        while True:
            header = self._load(self._line(self.head))
            if not header & _COMMITTED:
                if self._pass_dead():
                    continue
                return None
            length, writer = header >> 38 & 0x3FFFF, header >> 56 & 0x3F
            need = _lines_for(length)
            if (header ^ self.head) & _TAG or need > self.lines - self.head % self.lines or writer >= self.writers or (length > self.most and not header & _PAD):
                raise self._corrupt(f"a record at {self.head} has the header {header:016x}")
            if header & _PAD:
                self._skip(need)
                continue
            self.is_redelivered = _is_before(self.head, self.redelivered)
            place = self._line(self.head)
            return place + 16, length, int.from_bytes(self.memory[place + 8:place + 10], "little"), writer

    def _pass(self, length):
        self.head = (self.head + _lines_for(length)) & _POSITIONS
        self.messages += 1
        self.bytes += length
        self._release()

    def wait(self, timeout=None):
        """Waits for a message. A fan-in never ends."""

        def ready():
            return self._find() is not None

        if not ready():
            self.waits += 1
            self._put(_R + 24, self.waits)
            self._wait(ready, timeout)
        return True

    def read_available(self):
        """The messages that are there: (memoryview, type, writer), each valid until the next."""
        while (found := self._find()) is not None:
            at, length, kind, writer = found
            with memoryview(self.memory) as view, view[at:at + length] as payload:
                yield payload, kind, writer
            self._pass(length)

    def try_read(self):
        """The next message as (bytes, type, writer); None: there is none now."""
        found = self._find()
        if found is None:
            return None
        at, length, kind, writer = found
        message = self.memory[at:at + length]
        self._pass(length)
        return message, kind, writer
