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
    """The calls of a connection, whose ends are read and written through it only from then on. What ends them (Corrupt, PeerDied, PeerLeft) is raised by each later call too."""

    def __init__(self, connection):
        self._output, self._input, self._failure = connection.output, connection.input, None
        self._input.accepts_calls = True
        # By place: number, size and whether the call was given up. By number: the place of each whose result is wanted, and of each cancellation that there was no room for.
        self._mine, self._places, self._due, self._results = {}, {}, {}, {}
        self._theirs, self._ready = {}, collections.deque()
        self._sent = self._came = self._under_way = self._kept = 0
        self.max_length = max(0, self._output.most - _HEADER.size)

    def call(self, request, kind=0, timeout=None):
        """Calls, and returns the reply. CallFailed; TimeoutError: the call is cancelled at the peer."""
        deadline = _deadline(timeout)
        return self._result(self._start(request, kind, deadline), deadline)

    def start(self, request, kind=0, timeout=None):
        """Sends a call, whose number result takes. There is room for 256, and for as many bytes as the ring has."""
        return self._start(request, kind, _deadline(timeout))

    def result(self, number, timeout=None):
        """The reply of a call that was started, in any order."""
        return self._result(number, _deadline(timeout))

    def cancel(self, number):
        """Gives a call up: its answer is dropped."""
        place = self._places.pop(number, None)
        if place is None:
            self._results.pop(number, None)
            return
        self._mine[place] = *self._mine[place][:2], True
        self._due[number] = place
        self._flush()

    def receive(self, timeout=None):
        """The next call of the peer; None: it has completed its output."""
        return self._ready.popleft() if self._until(lambda: self._ready, _deadline(timeout)) else None

    def reply(self, call, body, timeout=None):
        """Answers a call, whose caller drops the answer if it has given it up. After TimeoutError, where the ring has no room, it is still to be answered."""
        body = bytes(memoryview(body))
        if len(body) > self.max_length:
            raise ValueError(f"{len(body)} bytes: at most {self.max_length}")
        self._answer(call, _REPLIED, 0, body, timeout)

    def fail(self, call, error, message="", timeout=None):
        """Answers a call with an error, and a text of at most 1,024 bytes: a longer one is cut."""
        if call.is_cancelled:
            self._answer(call, _CANCELLED, 0, b"", timeout)
        else:
            self._answer(call, _FAILED, error & 0xFFFFFFFF, message.encode(errors="replace")[:min(1024, self.max_length)].decode(errors="ignore").encode(), timeout)

    def serve(self, handler):
        """Answers each call with what the handler returns for it, until the peer has completed its output. CallFailed of the handler is the caller's; the first other exception is raised at the end."""
        thrown = None
        while (call := self.receive()) is not None:
            if call.is_cancelled:
                self.fail(call, -1)
                continue
            try:
                reply = handler(call)
                if not call.is_answered:
                    self.reply(call, reply)
            except CallFailed as failure:
                if not call.is_answered:
                    self.fail(call, failure.error, failure.message)
            except Exception as error:
                if self._failure is not None:
                    raise
                thrown = thrown or error
                if not call.is_answered:
                    self.fail(call, -1, "The handler of the call raised an exception.")
        if thrown is not None:
            raise thrown

    def _start(self, request, kind, deadline):
        request = bytes(memoryview(request))
        if len(request) > self.max_length or not 0 <= kind < 0xFF00:
            raise ValueError(f"{len(request)} bytes of type {kind}: at most {self.max_length}, and types below 0xff00")
        size = self._size(len(request))
        if not self._until(lambda: len(self._mine) < _PLACES and self._under_way + size <= self._output.capacity, deadline):
            raise psm_channel.PeerLeft("the peer has completed its output: it answers no more calls")
        place, number = next(place for place in range(_PLACES) if place not in self._mine), self._sent + 1
        milliseconds = 0 if deadline is None else max(1, int(min(0xFFFFFFFF, (deadline - time.monotonic()) * 1000)))
        self._put(_CALL, number, place, kind, milliseconds, request, deadline)
        self._sent, self._mine[place], self._places[number] = number, (number, size, False), place
        self._under_way += size
        return number

    def _result(self, number, deadline):
        if number not in self._results and number not in self._places:
            raise ValueError(f"call {number} is not under way")
        try:
            if not self._until(lambda: number in self._results, deadline):
                raise psm_channel.PeerLeft("the peer has completed its output: it answers no more calls")
        except TimeoutError:
            self.cancel(number)
            raise
        outcome, error, body = self._results.pop(number)
        if outcome != _REPLIED:
            raise CallFailed(error, body[:1024].decode(errors="replace"))
        return body

    def _size(self, length):
        return self._output._record(_HEADER.size + length)

    def _answer(self, call, outcome, error, body, timeout):
        if call.is_answered:
            raise ValueError("a call is answered once")
        self._put(_ANSWER, call.number, call.place, outcome, error, body, _deadline(timeout))
        call.is_answered = True
        self._kept -= call.size
        del self._theirs[call.place]

    def _guard(self, act, *arguments):
        """Keeps what ends everything, and raises it again."""
        if self._failure is not None:
            raise type(self._failure)(*self._failure.args) from self._failure
        try:
            return act(*arguments)
        except (psm_channel.Corrupt, psm_channel.PeerDied, psm_channel.PeerLeft) as failure:
            self._failure = failure
            raise

    def _flush(self):
        """Sends the cancellations that there was no room for. False: there is none now."""
        while self._due:
            number, place = next(iter(self._due.items()))
            if not self._guard(self._output._try_put, _HEADER.pack(number, place, 0, 0), _CANCEL):
                return False
            del self._due[number]
        return True

    def _put(self, record, number, place, word, value, body, deadline):
        message = _HEADER.pack(number, place, word, value) + body
        while not (self._flush() and self._guard(self._output._try_put, message, record)):
            # The peer reads on while this side does: neither waits for the other with both rings full.
            for _ in range(_PLACES):
                if not self._read():
                    break
            try:
                if not self._guard(self._output.wait, len(message), _left(deadline, 0.001)):
                    raise psm_channel.Completed("the peer takes no more")
            except TimeoutError:
                if _is_up(deadline):
                    raise

    def _until(self, done, deadline):
        """Reads until it is done. False: the peer has completed its output. TimeoutError also where the peer sends without a pause."""
        while not done():
            self._flush()
            try:
                if self._read():
                    if _is_up(deadline) and not done():
                        raise TimeoutError
                # Cancellations that wait for room look for it every millisecond.
                elif not self._guard(self._input.wait, _left(deadline, 0.001 if self._due else None)):
                    return False
            except TimeoutError:
                if _is_up(deadline):
                    raise
        return True

    def _read(self):
        return self._guard(self._take)

    def _take(self):
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
            if not 1 <= number <= self._came or place >= _PLACES:
                raise self._input._corrupt(f"call {number} in place {place} is cancelled, which there never was")
            if (call := self._theirs.get(place)) is not None and call.number == number:
                call.is_cancelled = True
        else:
            of, size, is_given_up = self._mine.get(place, (0, 0, False))
            if of != number or number == 0 or word > (_CANCELLED if is_given_up else _FAILED):
                raise self._input._corrupt(f"call {number} in place {place} is answered with outcome {word}, and is not under way")
            del self._mine[place]
            self._under_way -= size
            self._due.pop(number, None)
            if self._places.pop(number, None) is not None:
                self._results[number] = word, struct.unpack("<i", struct.pack("<I", value))[0], body
        return True

    def _add(self, number, place, kind, milliseconds, body):
        size = self._size(len(body))
        if number != self._came + 1 or place >= _PLACES or place in self._theirs or kind >= 0xFF00 or self._kept + size > self._input.capacity:
            raise self._input._corrupt(f"call {number} after {self._came}, of type {kind:x} in place {place}, with {self._kept + size} bytes under way")
        self._came = number
        self._kept += size
        self._theirs[place] = call = IncomingCall(number, place, kind, milliseconds, body, size)
        self._ready.append(call)


def _deadline(timeout):
    return None if timeout is None else time.monotonic() + timeout


def _is_up(deadline):
    return deadline is not None and time.monotonic() >= deadline


def _left(deadline, most):
    """Seconds until a deadline, and most at most; None: without an end."""
    left = None if deadline is None else max(0.0, deadline - time.monotonic())
    return left if most is None else most if left is None else min(left, most)
