"""psm: takes part in the rosters, mutexes, event counts, semaphores and events of Posix.SharedMemory.Threading.

Python 3, Linux, 64-bit, little-endian; needs libatomic.so.1 (Debian: libatomic1). The bytes and protocols are in docs/spec/threading.
Every place is an offset in an mmap.mmap that is shared and writable.
"""
import ctypes
import errno
import mmap
import os
import platform
import threading
import time

_X64 = platform.machine() in ("x86_64", "AMD64")
_FUTEX, _ROBUST, _MEMBARRIER, _MREMAP, _GETTID = (202, 273, 324, 25, 186) if _X64 else (98, 99, 283, 216, 178)
_WAKE, _WAKE_OP, _WAIT, _EVERYBODY = 1, 5, 0, 0x7FFFFFFF
WAITERS, INCONSISTENT, PATIENT, OWNER, REGISTERED, JOINING, THREAD = 1 << 31, 1 << 30, 1 << 29, 0x1FFFFFFF, 1 << 31, 1 << 30, 0x3FFFFFFF
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.mmap.restype = ctypes.c_void_p
_atomic = ctypes.CDLL("libatomic.so.1")
_SEQ = 5
UNKNOWN_BOOT, FIRST_TIME_SPACE = 1, 0xEFFFFFFA


def _call(number, *arguments):
    result = _libc.syscall(ctypes.c_long(number), *[a if isinstance(a, ctypes.c_void_p) or a is None else ctypes.c_long(a) for a in arguments])
    return -ctypes.get_errno() if result == -1 else result


def _operation(name, size, result, *parameters):
    function = getattr(_atomic, f"__atomic_{name}_{size}")
    function.restype, function.argtypes = result, parameters
    return function


_u32, _u64, _p, _i = ctypes.c_uint32, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_int
_load4, _load8 = _operation("load", 4, _u32, _p, _i), _operation("load", 8, _u64, _p, _i)
_store4, _store8 = _operation("store", 4, None, _p, _u32, _i), _operation("store", 8, None, _p, _u64, _i)
_swap4 = _operation("compare_exchange", 4, ctypes.c_bool, _p, _p, _u32, _i, _i)
_swap8 = _operation("compare_exchange", 8, ctypes.c_bool, _p, _p, _u64, _i, _i)
_add4, _or4, _and4 = (_operation("fetch_" + name, 4, _u32, _p, _u32, _i) for name in ("add", "or", "and"))


def _swap(word, old, new):
    """Compare and swap. Returns what was there: old, if it was swapped."""
    found = _u32(old)
    _swap4(word, ctypes.byref(found), new, _SEQ, _SEQ)
    return found.value


def _swap64(word, old, new):
    found = _u64(old)
    _swap8(word, ctypes.byref(found), new, _SEQ, _SEQ)
    return found.value


def _read(word):
    return _load4(word, _SEQ)


def _wake(word, count):
    return _call(_FUTEX, _p(word), _WAKE, count, None, None, 0)


def _change_and_wake(word, operation, argument, count):
    """In one call, so that no kill falls between: 2 sets bits, 8 makes the word 1 << argument. Whatever refuses it, the word is changed: nobody keeps a lock because of it."""
    woken = _call(_FUTEX, _p(word), _WAKE_OP, count, None, _p(word), operation << 28 | argument << 12 | 0xFFF)
    if woken >= 0:
        return woken
    if operation == 2:
        _or4(word, argument, _SEQ)
    else:
        _store4(word, 1 << argument, _SEQ)
    return _wake(word, count)


class _Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Waitv(ctypes.Structure):
    _fields_ = [("value", _u64), ("address", _u64), ("flags", _u32), ("reserved", _u32)]


def _sleep(*words, deadline=None):
    """Sleeps until one of the (address, value) changes: at most one second, and not past the deadline. All but the first are lives. True: until then, or as long as it can without a look."""
    until = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + 10**9
    until = until if deadline is None else min(until, deadline)
    entries = (_Waitv * len(words))(*[_Waitv(value, address, 2, 0) for address, value in words])
    limit = _Timespec(until // 10**9, until % 10**9)
    result = _call(449, ctypes.cast(entries, _p), len(words), 0, ctypes.cast(ctypes.byref(limit), _p), 1)
    is_refused = result in (-errno.ENOSYS, -errno.EPERM, -errno.EACCES, -errno.EINVAL)
    if is_refused:
        time.sleep(max(0, min(50_000_000, until - time.clock_gettime_ns(time.CLOCK_MONOTONIC))) / 1e9)  # before Linux 5.16, or behind a filter
    for life, _ in words[1:]:
        if _read(life) & 0x40000000:  # the kernel woke one sleeper, who wakes the others
            _wake(life, _EVERYBODY)
    return is_refused or result == -errno.ETIMEDOUT


_fences_refused = False


def _fence_all():
    global _fences_refused
    if _call(_MEMBARRIER, 2, 0, 0) == 0:
        return True
    _fences_refused = True
    return False


def _bounded(deadline=None):
    """When a sleeper on an event count looks again: where membarrier is refused, whoever notifies without a fence may not see it, and it looks every millisecond."""
    if not _fences_refused:
        return deadline
    soon = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + 10**6
    return soon if deadline is None else min(soon, deadline)


def _place(mapping, offset, size, alignment):
    """The address of so many bytes at an offset, which must lie in the mapping at a multiple of the alignment."""
    if offset % alignment or offset < 0 or offset + size > len(mapping):
        raise ValueError(f"{size} bytes at offset {offset} are not inside the mapping of {len(mapping)} bytes, or {offset} is not a multiple of {alignment}")
    return ctypes.addressof(ctypes.c_char.from_buffer(mapping)) + offset


def _tag(place, tag, what):
    if _swap(place, 0, tag) not in (0, tag):
        raise ValueError(f"the bytes are not {what}")


class OwnerDied(Exception):
    """The last owner died inside, and what it left is unrepaired. The lock is not held."""


class Retired(Exception):
    """Nobody can enter the lock again."""


class _Guard:
    """The thread whose robust list names this process's seats."""

    def __init__(self):
        self.begin()
        # A child of fork has no guard yet, and the list that it sees is its parent's.
        os.register_at_fork(after_in_child=self.begin)

    def begin(self):
        """Nothing is registered yet."""
        self.gate, self.tid, self.registered = threading.Lock(), 0, False
        # Shared memory that nobody shares: the reaper of a process that ran out of memory takes private pages before its threads end.
        self.head = (ctypes.c_void_p * 3).from_buffer(mmap.mmap(-1, mmap.PAGESIZE))

    def start(self):
        with self.gate:
            if not self.tid:
                self.registered = _call(_MEMBARRIER, 4, 0, 0) == 0
                ready = threading.Event()
                threading.Thread(target=self._run, args=(ready,), daemon=True, name="shm guard").start()
                ready.wait()

    def _run(self, ready):
        self.head[0], self.head[1], self.head[2] = ctypes.addressof(self.head), mmap.PAGESIZE, None
        _call(_ROBUST, ctypes.cast(self.head, _p), 24)
        thread = _call(_GETTID)
        self.tid = thread if thread > 0 else os.getpid()  # A filter may refuse gettid: then the second witness finds this end.
        ready.set()
        while True:
            time.sleep(3600)


_guard = _Guard()


def _boot():
    """Which boot of the machine this is; containers may have a number of their own mounted over the kernel's file, which tells nothing."""
    path = "/proc/sys/kernel/random/boot_id"
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            if f" {path} " in file.read():
                return UNKNOWN_BOOT
        with open(path, encoding="ascii") as file:
            return int(file.read(8), 16) or UNKNOWN_BOOT
    except (OSError, ValueError):
        return UNKNOWN_BOOT


_GONE, _UNWAITED = -1, -2


def _start_of(process):
    """When a process started; 0: unknown, _GONE: there is no such process, _UNWAITED: it has ended, and its parent has not asked how."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return _GONE
    except OSError:
        return 0
    return 0 if len(fields) < 20 else _UNWAITED if fields[0] in "ZX" and fields[17] == "1" else int(fields[19])


def _exists(process):
    """Whether there is such a process or thread, also where /proc hides those of others."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # a number that no process has
        return False
    except OSError:
        pass
    return True


def _space():
    """The PID namespace with, above it, the time namespace unless it is the machine's first, and when this process started; zeros where that is unknown."""
    try:
        space, start = os.stat("/proc/self/ns/pid").st_ino, _start_of("self")
    except OSError:
        return 0, 0
    if start <= 0:
        return 0, 0
    try:
        time_space = os.stat("/proc/self/ns/time").st_ino
    except OSError:
        time_space = FIRST_TIME_SPACE
    return space | (0 if time_space == FIRST_TIME_SPACE else time_space << 32), start


class Roster:
    """A seat in the roster at an offset of a mapping."""

    def __init__(self, mapping, offset=0, seats=63):
        place = _place(mapping, offset, (64 + 32 * seats + 63) & ~63, 64)
        _guard.start()
        self.mapping, self.seats, self._view = mapping, seats, ctypes.c_char.from_buffer(mapping)
        self.origin = ctypes.addressof(self._view)
        self.base = place
        self.boot = _boot()
        self.me, (self._space, self._start) = 0, _space()
        self._joining = (self._space & 0xFFFFFFFF) and 1 + (self._space & 0xFFFFFFFF) % 0xFFF
        header = 0x524D5350 | 1 << 32 | seats << 48
        if _swap64(self.base, 0, header) not in (0, header):
            raise ValueError("the bytes are not a roster of this size")
        first = _read(self.base + 8) % seats
        for i in range(2 * seats):  # the second time around with the witness
            seat = (first + i) % seats + 1
            if i >= seats:
                self._witness(self.base + 64 + 32 * (seat - 1))
            if self._claim(seat):
                return
        raise OSError(errno.EUSERS, "all seats are taken")

    def _claim(self, seat):
        at = self.base + 64 + 32 * (seat - 1)
        both = _load8(at, _SEQ)
        if both & THREAD and self._is_of_another_boot(at):
            _swap64(at, both, both & ~0xFFFFFFFF | 0xC0000000)
            both = _load8(at, _SEQ)
        if both & THREAD:
            return False
        if both & 0x40000000 and not both >> 32 & REGISTERED:
            time.sleep(0.01)
        page = at & ~(mmap.PAGESIZE - 1)
        pages = _libc.mmap(None, ctypes.c_size_t(2 * mmap.PAGESIZE), 3, 0x21, -1, ctypes.c_long(0))
        result = _call(_MREMAP, _p(page), 0, mmap.PAGESIZE, 3, _p(pages + mmap.PAGESIZE))
        if result < 0:
            raise OSError(-result, "mremap")
        node = pages + at - page
        _store4(at + 12, self.boot, _SEQ)
        incarnation = ((both >> 32) + 1) & 0x3FFFF or 1
        claim = (incarnation | (REGISTERED if _guard.registered else 0)) << 32 | WAITERS | _guard.tid
        joining = claim | (JOINING | self._joining << 18) << 32  # whoever finds this process dead before the next swap takes the seat
        with _guard.gate:
            _store8(node, _guard.head[0], _SEQ)
            won = _swap64(at, both, joining) == both
            if won:
                _store8(ctypes.addressof(_guard.head), node, _SEQ)
        if won:
            _store8(at + 16, 0, _SEQ)
        if won and _swap64(at, joining, claim) != joining:
            self._unlink(node)
            won = False
        if not won:
            _libc.munmap(_p(pages), ctypes.c_size_t(2 * mmap.PAGESIZE))
            return False
        _store4(at + 8, os.getpid(), _SEQ)
        _store8(at + 24, self._start, _SEQ)
        _store8(at + 16, self._space, _SEQ)
        self._process = os.getpid()
        self.me, self._at, self._node, self._pages = 1 << 28 | seat << 18 | incarnation, at, node, pages
        _wake(at, _EVERYBODY)
        _add4(self.base + 8, 1, _SEQ)
        _wake(self.base + 8, _EVERYBODY)
        return True

    def _is_of_another_boot(self, at):
        boot = _read(at + 12)
        return boot != self.boot and UNKNOWN_BOOT not in (boot, self.boot)

    def _witness(self, at):
        """The second witness: marks the seat of a process that is gone although the kernel could not mark it, if it was in this PID namespace and /proc shows that."""
        both, process, space, start = _load8(at, _SEQ), _read(at + 8), _load8(at + 16, _SEQ), _load8(at + 24, _SEQ)
        try:
            if not both & THREAD or self._is_of_another_boot(at) or int(os.readlink("/proc/self")) != os.getpid() or not self._space:
                return
        except (OSError, ValueError):
            return
        if both >> 32 & JOINING:  # killed between claim and list: the claim names thread and namespace; who lives all the same finds the seat changed
            if both >> 50 & 0xFFF != self._joining or _exists(both & THREAD):
                return
        else:
            found = _start_of(process)
            if not process or not start or space != self._space or found in (0, start) or _read(at + 8) != process or (found == _GONE and _exists(process)):
                return
        if _swap64(at, both, both & ~0xFFFFFFFF | 0xC0000000) == both:
            _wake(at, _EVERYBODY)

    @staticmethod
    def _unlink(node):
        before = ctypes.addressof(_guard.head)
        with _guard.gate:
            while (found := _load8(before, _SEQ)) != node:
                before = found
            _store8(before, _load8(node, _SEQ), _SEQ)

    def leave(self):
        """Gives the seat up. What says whose it is stays: a process that is killed here is then found dead. A child of the process that joined only forgets the roster. Further calls have no effect."""
        if not self.me:
            return
        self.me = 0
        if self._process == os.getpid():
            self._unlink(self._node)
            _store4(self._at, 0, _SEQ)
            _wake(self._at, _EVERYBODY)
        _libc.munmap(_p(self._pages), ctypes.c_size_t(2 * mmap.PAGESIZE))
        self._view = None  # the mapping can be closed again

    def alive(self, participant):
        """Whether a participant lives, the address of its life, and the value there."""
        seat = participant >> 18 & 0x3FF
        if not 0 < seat <= self.seats:
            raise ValueError("the bytes name a seat that the roster does not have")
        at = self.base + 64 + 32 * (seat - 1)
        both = _load8(at, _SEQ)
        lives = both >> 32 & 0x3FFFF == participant & 0x3FFFF and both & THREAD and not self._is_of_another_boot(at)
        return bool(lives), at, both & 0xFFFFFFFF

    def confirm_end(self, participant):
        """Returns when no thread of an ended participant can store any more."""
        both = _load8(self.base + 64 + 32 * ((participant >> 18 & 0x3FF) - 1), _SEQ)
        if both >> 32 & 0x3FFFF == participant & 0x3FFFF and not (both >> 32 & REGISTERED and _fence_all()):
            time.sleep(0.01)


class Mutex:
    """A mutex. `with mutex:` enters; OwnerDied is raised, without the lock, until somebody calls repair."""

    def __init__(self, roster, offset):
        self.roster, self.word = roster, _place(roster.mapping, offset, 16, 8)
        _tag(self.word + 4, 0x314D5850, "a mutex")

    def enter_unrepaired(self, timeout=None):
        """Enters. Returns None: the time is up; False: entered; True: entered, and a dead owner's work is unrepaired. A timeout of 0 is a try, which never waits."""
        roster, word, slept, patience, swaps = self.roster, self.word, False, 0, 0
        deadline = None if timeout is None else time.clock_gettime_ns(time.CLOCK_MONOTONIC) + int(timeout * 1e9)
        tries = timeout is not None and timeout <= 0
        while True:
            value = _read(word)
            owner, kept, swaps = value & OWNER, WAITERS if slept else value & WAITERS, swaps + 1
            if swaps > 1000 and deadline is not None and time.clock_gettime_ns(time.CLOCK_MONOTONIC) >= deadline:
                return self._give_up(value, slept)  # somebody does nothing else than write the word
            if not owner and (slept or tries or not value & PATIENT):
                patient = value & PATIENT if tries or patience > 10**6 else 0
                if _swap(word, value, roster.me | value & INCONSISTENT | kept | patient) == value:
                    return bool(value & INCONSISTENT)
                continue
            words = []
            if owner:
                if not owner & 1 << 28:
                    raise Retired
                lives, life, seen = roster.alive(owner)
                if not lives:
                    roster.confirm_end(owner)
                    if _swap(word, value, roster.me | INCONSISTENT | kept | value & PATIENT) == value:
                        return True
                    swaps += 250
                    continue
                words.append((life, seen))
            now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            if deadline is not None and now >= deadline:
                return self._give_up(value, slept)
            marked = value | WAITERS | (PATIENT if owner and patience > 10**6 else 0)
            if marked != value and _swap(word, value, marked) != value:
                continue
            if _sleep((word, marked), *words, deadline=deadline) and words and owner != roster.me:
                roster._witness(life)
            slept, swaps, patience = True, 0, patience + time.clock_gettime_ns(time.CLOCK_MONOTONIC) - now

    def _give_up(self, value, slept):
        # The wake-up may have been meant for this one.
        if slept and not value & OWNER and _wake(self.word, 1) == 0 and value & PATIENT:
            self._clear_patience(value)

    def _clear_patience(self, free):
        # Nobody slept on the free word: nobody is patient, and whoever queued since is woken.
        if _swap(self.word, free, free & ~(WAITERS | PATIENT)) == free:
            _wake(self.word, 2**31 - 1)

    def mark_consistent(self):
        _and4(self.word, ~INCONSISTENT & 0xFFFFFFFF, _SEQ)

    def leave(self):
        word, me = self.word, self.roster.me
        while True:
            value = _read(word)
            if value & OWNER != me:
                raise RuntimeError("this process is not inside")
            if value & (INCONSISTENT | PATIENT):
                free = value & ~OWNER
                if _swap(word, value, free) == value:
                    if value & WAITERS and _wake(word, 1) == 0:
                        self._clear_patience(free)
                    return
            elif value & WAITERS:
                if _change_and_wake(word, 8, 31, 1) == 0:
                    _swap(word, WAITERS, 0)
                return
            elif _swap(word, value, 0) == value:
                return

    def __enter__(self):
        if self.enter_unrepaired():
            self.leave()
            raise OwnerDied
        return self

    def __exit__(self, *_):
        self.leave()


class EventCount:
    """An event count: prepare, look again, wait; or change, then notify_all."""

    def __init__(self, roster, offset):
        self.word = _place(roster.mapping, offset, 8, 8)
        _tag(self.word + 4, 0x314E5850, "an event count")

    def prepare(self):
        key = _or4(self.word, 1, _SEQ) | 1
        _fence_all()
        return key

    def wait(self, key):
        """May return without cause, at least once a second."""
        if _read(self.word) == key:
            _sleep((self.word, key), deadline=_bounded())

    def notify_all(self):
        while True:
            value = _or4(self.word, 0, _SEQ)
            if not value & 1:
                return False
            if _swap(self.word, value, (value + 2) & 0xFFFFFFFE) == value:
                _wake(self.word, _EVERYBODY)
                return True


class Semaphore:
    """A semaphore that exists, or is made with a count and a maximum."""

    def __init__(self, roster, offset, initial=None, maximum=_EVERYBODY):
        self.word = _place(roster.mapping, offset, 16, 8)
        if initial is not None:
            if _swap(self.word + 8, 0, maximum) not in (0, maximum):
                raise ValueError("the bytes are not a semaphore of this maximum")
            _swap64(self.word, 0, 0x31535850 << 32 | initial)
        if _read(self.word + 4) != 0x31535850:
            raise ValueError("the bytes are not a semaphore")

    def wait(self):
        slept = False
        while True:
            value = _read(self.word)
            if value & 0x7FFFFFFF:
                if _swap(self.word, value, value - 1 | (WAITERS if slept else 0)) == value:
                    return
            elif value & WAITERS or _swap(self.word, value, value | WAITERS) == value:
                _sleep((self.word, value | WAITERS))
                slept = True

    def release(self, count=1):
        while True:
            value = _read(self.word)
            if count > _read(self.word + 8) - (value & 0x7FFFFFFF):
                raise OverflowError("more permits than the maximum")
            if _swap(self.word, value, value + count) == value:
                if value & WAITERS and _wake(self.word, count) < count and _swap(self.word, value + count, value + count & ~WAITERS) == value + count:
                    _wake(self.word, _EVERYBODY)  # the word may be what it was although others went to sleep since
                return


class Event:
    """An event that exists, or is made of zeroed bytes with a mode: automatic lets one waiter go on, otherwise all of them until it is reset."""

    def __init__(self, roster, offset, automatic=None, is_set=False):
        self.word = _place(roster.mapping, offset, 8, 8)
        if automatic is not None:
            tag = 0x31455850 | (WAITERS if automatic else 0)
            if _swap64(self.word, 0, tag << 32 | bool(is_set)) >> 32 not in (0, tag):
                raise ValueError("the bytes are not an event of this mode")
        self.automatic = bool(_read(self.word + 4) >> 31)
        if _read(self.word + 4) & 0x7FFFFFFF != 0x31455850:
            raise ValueError("the bytes are not an event")

    def set(self):
        while True:
            value = _read(self.word)
            if value & 1:
                return
            if value & WAITERS:
                if _change_and_wake(self.word, 2, 1, 1 if self.automatic else _EVERYBODY) == 0 and self.automatic:
                    _swap(self.word, value | 1, (value | 1) & ~WAITERS)
                return
            if _swap(self.word, value, value | 1) == value:
                return

    def wait(self):
        pulses, slept = _read(self.word) & 0x7FFFFFFE, False
        while True:
            value = _read(self.word)
            if value & 1:
                if not self.automatic or _swap(self.word, value, value & ~1 | (WAITERS if slept else 0)) == value:
                    return
            elif not self.automatic and value & 0x7FFFFFFE != pulses:
                return
            elif value & WAITERS or _swap(self.word, value, value | WAITERS) == value:
                _sleep((self.word, value | WAITERS))
                slept = True
