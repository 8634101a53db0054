"""The Python partner of the tests: joins a roster through psm.py, says who it is, and does one thing per line."""
import mmap
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psm  # noqa: E402

fd = os.open(sys.argv[1], os.O_RDWR)
memory = mmap.mmap(fd, 65536)
roster = psm.Roster(memory)
mutex, count = psm.Mutex(roster, 8192), psm.EventCount(roster, 20504)
print(roster.me, flush=True)
for line in sys.stdin:
    match line.strip():
        case "enter":
            print("after a death" if mutex.enter_unrepaired() else "entered", flush=True)
        case "try":
            try:
                print({None: "taken", False: "entered", True: "after a death"}[mutex.enter_unrepaired(0)], flush=True)
            except psm.Retired:
                print("retired", flush=True)
        case "leave":
            mutex.leave()
            print(0, flush=True)
        case "consistent":
            mutex.mark_consistent()
            print("consistent", flush=True)
        case "wait-semaphore":
            psm.Semaphore(roster, 20480).wait()
            print("taken", flush=True)
        case "release":
            psm.Semaphore(roster, 20480).release()
            print(0, flush=True)
        case "wait-event":
            psm.Event(roster, 20496).wait()
            print("set", flush=True)
        case "set":
            psm.Event(roster, 20496).set()
            print("set", flush=True)
        case "quit":
            roster.leave()
            print("left", flush=True)
            break
        case "fork":
            if os.fork() == 0:
                roster.leave()
                child = psm.Roster(memory)
                print(child.me, os.getpid(), flush=True)
                while True:
                    time.sleep(3600)
        case "notify":
            print(int(count.notify_all()), flush=True)
        case "wait-count":
            key = count.prepare()
            print("prepared", flush=True)
            while psm._read(count.word) == key:
                count.wait(key)
            print("notified", flush=True)
