"""The judge in Python: the same lines as shm_judge.c, done with multiprocessing.shared_memory."""
import fcntl
import mmap
import os
import socket
import struct
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory


def attach(name):
    memory = SharedMemory(name)
    # Up to Python 3.12 attaching makes the tracker remove the object when this process ends.
    resource_tracker.unregister(memory._name, "shared_memory")
    return memory


def pattern(size, seed):
    return bytes((seed + at * 31 + (at >> 8) * 7 + (at >> 16) * 13) & 0xFF for at in range(size))


def create(name, size, mode, seed):
    memory = SharedMemory(name, create=True, size=int(size))
    resource_tracker.unregister(memory._name, "shared_memory")
    os.fchmod(memory._fd, int(mode, 8))
    memory.buf[:] = pattern(int(size), int(seed))
    memory.close()
    return "ok"


def verify(name, size, seed):
    memory = attach(name)
    if memory.size != int(size):
        return f"size {memory.size}"
    expected, found = pattern(int(size), int(seed)), bytes(memory.buf)
    memory.close()
    return "ok" if found == expected else f"differs {next(i for i in range(int(size)) if found[i] != expected[i])}"


def edit(name, offset, value):
    memory = attach(name)
    memory.buf[int(offset)] = int(value)
    memory.close()
    return "ok"


def stat(name):
    memory = attach(name)
    status = os.fstat(memory._fd)
    memory.close()
    return f"ok {status.st_mode & 0o7777:o} {status.st_size}"


def keep(name):
    kept.append(attach(name))
    return f"ok {kept[-1]._fd}"


def unlink(name):
    memory = SharedMemory(name)
    memory.close()
    memory.unlink()
    return "ok"


# ---- docs/spec/passing.md --------------------------------------------------------------------------------------------

MAGIC = b"SHMOBJ\0\1"
F_ADD_SEALS, F_GET_SEALS = 1033, 1034
connection = None


def connect(path, kind):
    global connection
    connection = socket.socket(socket.AF_UNIX, {"stream": socket.SOCK_STREAM, "seqpacket": socket.SOCK_SEQPACKET}[kind])
    connection.connect(path)
    return "ok"


def send_fds(_, size, count):
    fd = os.memfd_create("judge")
    os.ftruncate(fd, 100)
    socket.send_fds(connection, [pattern(int(size), 3)], [fd] * int(count))
    os.close(fd)
    return "ok"


def receive_fds(_, size, count):
    data, fds, flags, _address = socket.recv_fds(connection, int(size), int(count))
    inodes = {os.fstat(fd).st_ino for fd in fds}
    for fd in fds:
        os.close(fd)
    return f"ok {'same' if data == pattern(len(data), 3) else 'other'} {len(data)} {len(fds)} {' '.join(map(str, inodes))}"


def send_object(_, size, seed, seals):
    fd = os.memfd_create("judge", os.MFD_ALLOW_SEALING)
    os.write(fd, pattern(int(size), int(seed)))
    fcntl.fcntl(fd, F_ADD_SEALS, int(seals))
    socket.send_fds(connection, [MAGIC + struct.pack("<Q", int(size))], [fd])
    os.close(fd)
    return "ok"


def receive_object(_, seed):
    message, fds, flags, _address = socket.recv_fds(connection, 16, 2)
    if message[:8] != MAGIC or len(message) != 16 or len(fds) != 1:
        return f"refused {message.hex()} {len(fds)}"
    size = struct.unpack("<Q", message[8:])[0]
    seals = fcntl.fcntl(fds[0], F_GET_SEALS)
    with mmap.mmap(fds[0], size, prot=mmap.PROT_READ) as memory:
        same = memory[:] == pattern(size, int(seed))
    os.close(fds[0])
    return f"ok {'same' if same else 'other'} {size} {seals}"


kept = []
commands = {"connect": connect, "send-fds": send_fds, "receive-fds": receive_fds, "send-object": send_object, "receive-object": receive_object,
            "create": create, "verify": verify, "edit": edit, "stat": stat, "keep": keep, "unlink": unlink}
for line in sys.stdin:
    command, name, *rest = line.split()
    try:
        answer = commands[command](bytes.fromhex(name).decode(), *rest)
    except OSError as error:
        answer = f"error {error.errno}"
    print(answer, flush=True)
