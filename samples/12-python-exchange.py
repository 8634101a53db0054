# The Python side of 12-c-exchange.cs: python3 12-python-exchange.py SOCKET
import fcntl
import mmap
import os
import socket
import struct
import sys


# snippet: messages
def send_object(s, fd, length):
    socket.send_fds(s, [b"SHMOBJ\0\1" + struct.pack("<Q", length)], [fd])


def receive_object(s):                      # On a stream, nothing else may be sent at the same time.
    message, fds, flags, _ = socket.recv_fds(s, 16, 4)
    for fd in fds:
        os.set_inheritable(fd, False)       # Python's recv_fds cannot do that itself.
    if len(message) != 16 or message[:8] != b"SHMOBJ\0\1" or len(fds) != 1 or os.fstat(fds[0]).st_size < struct.unpack("<Q", message[8:])[0]:
        for fd in fds:
            os.close(fd)
        raise ValueError("not an object message")
    return fds[0]                           # mmap.mmap(fd, 0), then os.close(fd)
# end


if not hasattr(socket, "send_fds") or not hasattr(fcntl, "F_ADD_SEALS"):
    sys.exit(77)                            # Skipped: these need Python 3.9 on Linux.

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(sys.argv[1])
    theirs = receive_object(connection)
    assert fcntl.fcntl(theirs, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK
    with mmap.mmap(theirs, 0) as question:
        os.close(theirs)
        ours = os.memfd_create("answer", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(ours, question[::-1])
        question[0:1] = b"P"
        length = len(question)
    fcntl.fcntl(ours, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_WRITE)
    send_object(connection, ours, length)
    print(f"Python: got {length} bytes and sent them back in memory of its own")
