"""psm_connection: the side of a connection of Posix.SharedMemory.Channels (kind 2) that receives it, over psm_channel.

Its two ends are those of a message channel. A message of type psm_channel.OBJECT stands where the peer has sent an object: read it, and take the object by receive_object,
in order; send_object sends one. psm_calls has calls. Python 3, Linux, 64-bit, little-endian. The bytes and protocols are in docs/spec/channels/connection.md. A connection is for one thread at a time, but for its two ends: each may have a thread of its own.

    with psm_connection.connect("/run/user/1000/prices.sock") as connection:
        connection.output.write(b"EURUSD")
        connection.input.wait()
        print(connection.input.try_read())
"""
import array
import fcntl
import mmap
import os
import select
import socket as sockets
import struct
import time

import psm_channel

SEAL, SHRINK, GROW, WRITE = 1, 2, 4, 8
_GET_SEALS = 1034


def _receive(socket, seals):
    """The descriptor and the length of the next object that came over a socket."""
    message, carried, limit, begun = b"", [], socket.gettimeout(), time.monotonic()
    try:
        while len(message) < 16:
            part, ancillary, flags, _ = socket.recvmsg(16 - len(message), sockets.CMSG_LEN(32), sockets.MSG_CMSG_CLOEXEC)
            came = array.array("i")
            for level, kind, data in ancillary:
                if (level, kind) == (sockets.SOL_SOCKET, sockets.SCM_RIGHTS):
                    came.frombytes(data[:len(data) // came.itemsize * came.itemsize])
            if came and message:
                carried += came
                raise ValueError("a descriptor arrived inside an object message")
            carried += came
            if not part and not came:
                raise psm_channel.PeerLeft
            # A doorbell is one byte, 1.
            message = message + part if message else part.lstrip(b"\1")
            if not message and limit is not None and time.monotonic() - begun >= limit:
                raise TimeoutError("the peer rings, and sends no object")
        magic, announced = struct.unpack("<8sQ", message)
        if magic != b"SHMOBJ\0\1" or len(carried) != 1:
            raise ValueError(f"what arrived is not an object message with one descriptor: {message!r}, {len(carried)} descriptors")
        try:
            found = fcntl.fcntl(carried[0], _GET_SEALS)
        except OSError as error:
            raise ValueError("what arrived is not memory that can be sealed") from error
        length = os.fstat(carried[0]).st_size
        if found & seals != seals or length < announced:
            raise ValueError(f"the object has {length} bytes and the seals {found}: {announced} bytes are announced, and the seals {seals} required")
        return carried.pop(), length
    finally:
        for descriptor in carried:
            os.close(descriptor)


class Connection:
    """A connection that the peer hands over a connected stream socket, which belongs to it from then on. The socket's timeout bounds what is waited for on it."""

    def __init__(self, socket, label=""):
        descriptor, length = _receive(socket, SEAL | SHRINK | GROW)
        try:
            # Huge pages can be punched although they are sealed.
            if os.fstatvfs(descriptor).f_bsize > mmap.PAGESIZE:
                raise ValueError("the connection is of huge pages")
            self.memory = mmap.mmap(descriptor, length)
        finally:
            os.close(descriptor)
        self.memory.madvise(mmap.MADV_DONTFORK)
        self.output = psm_channel.Writer(self.memory, label, direction=1)
        try:
            self.input = psm_channel.Reader(self.memory, label, direction=0)
        except BaseException:
            self.output.close()
            raise
        self.socket, self._sent = socket, 0
        self.output._bell = self.input._bell = self._ring

    def _ring(self):
        try:
            # A full socket has a byte under way; one with a timeout would be waited for.
            room = select.poll()
            room.register(self.socket, select.POLLOUT)
            if room.poll(0):
                self.socket.send(b"\1", sockets.MSG_DONTWAIT)
        except (OSError, ValueError):
            pass  # the peer is gone, or the socket is closed

    def send_object(self, descriptor, timeout=None):
        """Sends a memory object without copying it; it arrives in its place among the messages. The descriptor stays the caller's: seal it first where that matters. After TimeoutError nothing was sent."""
        deadline = None if timeout is None else time.monotonic() + timeout
        self.output.header.require_length(8)
        message = struct.pack("<8sQ", b"SHMOBJ\0\1", os.fstat(descriptor).st_size)
        while not self.output._fits(8):
            if not self.output.wait(8, None if deadline is None else max(0.0, deadline - time.monotonic())):
                raise psm_channel.Completed
        if self.output.completed:
            raise psm_channel.Completed
        if deadline is not None:
            room = select.poll()
            room.register(self.socket, select.POLLOUT)
            if not room.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
        try:
            # Under way before the record that names it is seen. The descriptor goes with the first byte; the rest of the message follows it.
            sent = self.socket.sendmsg([message], [(sockets.SOL_SOCKET, sockets.SCM_RIGHTS, array.array("i", [descriptor]))])
            if sent < len(message):
                self.socket.sendall(message[sent:])
        except (BrokenPipeError, ConnectionResetError) as error:
            raise (psm_channel.PeerDied if self.output.peer_state(confirm=True) == psm_channel.DIED else psm_channel.PeerLeft) from error
        self._sent += 1
        self.output._try_put(struct.pack("<Q", self._sent), psm_channel.OBJECT)

    def receive_object(self, seals=0):
        """The next object that the peer has sent, sealed as required: (descriptor, length). The descriptor is the caller's, to be closed by os.close."""
        return _receive(self.socket, seals)

    def close(self):
        """Closes both ends and the socket. Say before that nothing more comes: output.complete()."""
        self.output.close()
        self.input.close()
        try:
            self.socket.shutdown(sockets.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def connect(path, label="", timeout=None):
    """Connects to a listener, and receives a connection."""
    socket = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    try:
        socket.settimeout(timeout)
        socket.connect(path)
        return Connection(socket, label)
    except BaseException:
        socket.close()
        raise
