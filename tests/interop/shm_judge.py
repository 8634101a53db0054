"""The judge in Python: the same lines as shm_judge.c, done with multiprocessing.shared_memory."""
import os
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


kept = []
commands = {"create": create, "verify": verify, "edit": edit, "stat": stat, "keep": keep, "unlink": unlink}
for line in sys.stdin:
    command, name, *rest = line.split()
    try:
        answer = commands[command](bytes.fromhex(name).decode(), *rest)
    except OSError as error:
        answer = f"error {error.errno}"
    print(answer, flush=True)
