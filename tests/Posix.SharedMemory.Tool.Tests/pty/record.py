"""Runs a program on a terminal of its own and prints all that the terminal got, once it has ended.

    record.py PROGRAM ARGUMENT...
"""
import os, pty, signal, sys

pid, terminal = pty.fork()
if pid == 0:
    os.environ['TERM'] = 'xterm-256color'
    os.environ.pop('NO_COLOR', None)
    # Whoever runs the tests may have it ignored: in the background of a script it is.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(sys.argv[1], sys.argv[1:])
output = b''
while True:
    try:
        got = os.read(terminal, 65536)
    except OSError:
        break
    if not got:
        break
    output += got
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.buffer.write(output)
sys.exit(status if status >= 0 else 128 - status)
