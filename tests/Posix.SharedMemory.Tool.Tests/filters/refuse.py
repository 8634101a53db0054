"""Runs a program behind a filter of the kernel (seccomp) that answers some system calls of x86-64 with an error: refuse.py ERRNO NUMBER... -- PROGRAM ARGUMENT...

Or behind any other filter, given as its instructions: refuse.py --code HEX -- PROGRAM ARGUMENT..."""

import ctypes
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7FFF0000

split = sys.argv.index("--")
if sys.argv[1] == "--code":
    instructions = bytes.fromhex(sys.argv[2])
else:
    errno, *numbers = (int(word) for word in sys.argv[1:split])
    steps = [(LOAD, 0, 0, 0)]
    for number in numbers:
        steps += [(JUMP_IF_EQUAL, 0, 1, number), (RETURN, 0, 0, SECCOMP_RET_ERRNO | errno)]
    steps.append((RETURN, 0, 0, SECCOMP_RET_ALLOW))
    instructions = b"".join(struct.pack("HBBI", *step) for step in steps)
code = ctypes.create_string_buffer(instructions)
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(instructions) // 8, ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0):
    sys.exit("no filter: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[split + 1], sys.argv[split + 1:])
