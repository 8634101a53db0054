"""psm_calls: calls over a connection of Posix.SharedMemory.Channels, both as the one that calls and as the one that answers, over psm_connection. Python 3, Linux, 64-bit, little-endian.

For one thread at a time: what comes is read while something is waited for. The bytes and rules are in docs/spec/channels/calls.md.

    with psm_connection.connect("/run/user/1000/prices.sock") as connection:
        print(psm_calls.Calls(connection).call(b"EURUSD", timeout=1))
"""
import collections
import struct
import time

import psm_channel

_CALL, _CANCEL, _ANSWER, _PLACES = 0xFF01, 0xFF02, 0xFF04, 256
_REPLIED, _FAILED, _CANCELLED = range(3)
_HEADER = struct.Struct("<QHHI")


class CallFailed(Exception):
    """The peer answered with an error: number and text."""

    def __init__(self, error, message=""):
        super().__init__(error, message)
        self.error, self.message = error, message


class IncomingCall:
    """A call of the peer, to be answered once by Calls.reply or Calls.fail."""

    def __init__(self, number, place, kind, milliseconds, request, size):
        self.number, self.place, self.type, self.request, self.size = number, place, kind, request, size
        self.is_cancelled, self.is_answered, self._until = False, False, time.monotonic() + milliseconds / 1000 if milliseconds else None

    def time_left(self):
        """Seconds that the caller still waits; None: without an end."""
        return None if self._until is None else max(0.0, self._until - time.monotonic())


class Calls:
    """The calls of a connection, whose ends are read and written through it only from then on."""

    def __init__(self, connection):
        self._output, self._input = connection.output, connection.input
        self._input.accepts_calls = True
        self._mine, self._theirs, self._results, self._ready = {}, {}, {}, collections.deque()
        self._sent = self._came = 0
        self.max_length = self._output.most - _HEADER.size

    def call(self, request, kind=0, timeout=None):
        """Calls, and returns the reply. CallFailed; TimeoutError: the call is cancelled at the peer."""
        return self.result(self.start(request, kind, timeout), timeout)

    def start(self, request, kind=0, timeout=None):
        """Sends a call, whose number result takes. There is room for 256, and for as many bytes as the ring has."""
        if len(request) > self.max_length or not 0 <= kind < 0xFF00:
            raise ValueError(f"{len(request)} bytes of type {kind}: at most {self.max_length}, and types below 0xff00")
        deadline, size = None if timeout is None else time.monotonic() + timeout, self._size(len(request))
        while len(self._mine) == _PLACES or sum(of for _, of, _ in self._mine.values()) + size > self._output.capacity:
            self._read_or_wait(deadline)
        place = next(place for place in range(_PLACES) if place not in self._mine)
        milliseconds = 0 if timeout is None else max(1, min(0xFFFFFFFF, int(timeout * 1000)))
        # The place is taken first: the answer may come while room for other records is waited for.
        number, self._sent = self._sent + 1, self._sent + 1
        self._mine[place] = number, size, False
        try:
            self._put(_CALL, number, place, kind, milliseconds, request, deadline)
        except TimeoutError:
            # It was not sent, and nothing after it.
            self._sent -= 1
            del self._mine[place]
            raise
        return number

    def result(self, number, timeout=None):
        """The reply of a call that was started, in any order."""
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            while number not in self._results:
                self._read_or_wait(deadline)
        except TimeoutError:
            self.cancel(number)
            raise
        outcome, error, body = self._results.pop(number)
        if outcome != _REPLIED:
            raise CallFailed(error, body.decode(errors="replace"))
        return body

    def cancel(self, number):
        """Gives a call up: its answer is dropped."""
        for place, (of, size, _) in self._mine.items():
            if of == number:
                self._mine[place] = of, size, True
                self._put(_CANCEL, number, place, 0, 0, b"", None)
                return
        self._results.pop(number, None)

    def receive(self, timeout=None):
        """The next call of the peer; None: it has completed its output."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._ready:
            if not self._read_or_wait(deadline, ends=True):
                return None
        return self._ready.popleft()

    def reply(self, call, body):
        """Answers a call. A caller that has given it up drops the answer."""
        if len(body) > self.max_length:
            raise ValueError(f"{len(body)} bytes: at most {self.max_length}")
        self._answer(call, _REPLIED, 0, body)

    def fail(self, call, error, message=""):
        """Answers a call with an error, and a text of at most 1,024 bytes."""
        body = message.encode()[:min(1024, self.max_length)].decode(errors="ignore").encode()
        self._answer(call, _CANCELLED if call.is_cancelled else _FAILED, error & 0xFFFFFFFF, b"" if call.is_cancelled else body)

    def serve(self, handler):
        """Answers each call with what the handler returns for it, until the peer has completed its output. CallFailed of the handler is the caller's."""
        while (call := self.receive()) is not None:
            try:
                reply = handler(call)
            except CallFailed as failure:
                self.fail(call, failure.error, failure.message)
            else:
                self.reply(call, reply)

    def _size(self, length):
        return self._output._record(_HEADER.size + length)

    def _answer(self, call, outcome, error, body):
        if call.is_answered:
            raise ValueError("a call is answered once")
        call.is_answered = True
        self._put(_ANSWER, call.number, call.place, outcome, error if outcome == _FAILED else 0, body, None)

    def _put(self, record, number, place, word, value, body, deadline):
        if record == _ANSWER:
            # Before the peer can see the answer, and call again.
            del self._theirs[place]
        message = _HEADER.pack(number, place, word, value) + body
        while not self._output._try_put(message, record):
            # The peer reads on while this side does: neither waits for the other with both rings full.
            while self._read():
                pass
            try:
                if not self._output.wait(len(message), 0.001):
                    raise psm_channel.PeerLeft
            except TimeoutError:
                if deadline is not None and time.monotonic() >= deadline:
                    raise

    def _read_or_wait(self, deadline, ends=False):
        """Reads a record, or waits for one. False, where that is wanted: the peer has completed its output."""
        if self._read():
            return True
        if not self._input.wait(None if deadline is None else max(0.0, deadline - time.monotonic())):
            if ends:
                return False
            raise psm_channel.PeerLeft
        return True

    def _read(self):
        message = self._input.try_read()
        if message is None:
            return False
        record, kind = message
        if kind == psm_channel.OBJECT:
            return True
        if kind < 0xFF00 or len(record) < _HEADER.size:
            raise self._input._corrupt(f"a record of type {kind:x} with {len(record)} bytes is not one of calls")
        number, place, word, value = _HEADER.unpack_from(record)
        body = record[_HEADER.size:]
        if kind == _CALL:
            self._add(number, place, word, value, body)
        elif kind == _CANCEL:
            if not 1 <= number <= self._came:
                raise self._input._corrupt(f"call {number} is cancelled, which there never was")
            if (call := self._theirs.get(place)) is not None and call.number == number:
                call.is_cancelled = True
        else:
            of, _, is_given_up = self._mine.get(place, (0, 0, False))
            if of != number or number == 0 or word > (_CANCELLED if is_given_up else _FAILED):
                raise self._input._corrupt(f"call {number} in place {place} is answered with outcome {word}, and is not under way")
            del self._mine[place]
            if not is_given_up:
                self._results[number] = word, struct.unpack("<i", struct.pack("<I", value))[0], body
        return True

    def _add(self, number, place, kind, milliseconds, body):
        size = self._size(len(body))
        under_way = sum(call.size for call in self._theirs.values()) + size
        if number != self._came + 1 or place >= _PLACES or place in self._theirs or kind >= 0xFF00 or under_way > self._input.capacity:
            raise self._input._corrupt(f"call {number} after {self._came}, of type {kind:x} in place {place}, with {under_way} bytes under way")
        self._came = number
        self._theirs[place] = call = IncomingCall(number, place, kind, milliseconds, body, size)
        self._ready.append(call)
