"""Runs a program on a terminal of its own and answers a test, a line for a line.

    drive.py COLUMNS ROWS PROGRAM ARGUMENT...

    expect TEXT    waits until the picture on the screen has the text: {"screen": [line...]}
    key ESCAPED    types, with Python's escapes: {}
    signal NUMBER  sends a signal: {}
    stopped        waits until the program is stopped: {"other_screen": false...}
    resize C R     gives the terminal another size: {}
    end            waits until the program has ended: {"exit": code, "other_screen": ..., "cursor": ..., "echo": ..., "lines": ...}
"""
import fcntl, json, os, pty, re, select, signal, struct, sys, termios, time

columns, rows, argv = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
number, tell = os.pipe()
shell, terminal = pty.fork()
if shell == 0:
    # As a shell does: the program gets a process group of its own, which can be stopped, and the terminal.
    os.environ['TERM'] = 'xterm-256color'
    os.environ.pop('COLUMNS', None)
    os.environ.pop('NO_COLOR', None)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    program = os.fork()
    if program == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        # Also those that whoever runs the tests may have ignored: in the background of a script that is SIGINT.
        for number in (signal.SIGTTOU, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP):
            signal.signal(number, signal.SIG_DFL)
        os.execv(argv[0], argv)
    os.write(tell, b'%d\n' % program)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(program, 0)[1]) & 0xff)
pid = int(os.read(number, 20))

LIMIT = 30
output = ''


def resize(columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


def read(seconds):
    global output
    if select.select([terminal], [], [], seconds)[0]:
        try:
            got = os.read(terminal, 65536)
        except OSError:
            got = b''
        output += got.decode('utf-8', 'replace')
        return got != b''
    return True


def screen():
    """The last picture that is complete, without colours."""
    end = output.rfind('\x1b[J')
    start = output.rfind('\x1b[H', 0, end)
    return [] if start < 0 else re.sub(r'\x1b\[[0-9;]*[a-zA-Z]', '', output[start:end]).replace('\r', '').split('\n')


def wait(condition, what):
    until = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > until:
            return {'timeout': what, 'screen': screen(), 'tail': output[-2000:]}
        read(0.05)
    return None


def modes():
    flags = termios.tcgetattr(terminal)[3]
    return {
        'other_screen': output.rfind('\x1b[?1049h') > output.rfind('\x1b[?1049l'), 'cursor': output.rfind('\x1b[?25h') >= output.rfind('\x1b[?25l'),
        'keypad': max(output.rfind('\x1b[?1h'), output.rfind('\x1b=')) > max(output.rfind('\x1b[?1l'), output.rfind('\x1b>')),
        'echo': bool(flags & termios.ECHO), 'lines': bool(flags & termios.ICANON),
    }


def has_ended():
    global status
    if status is None:
        ended, code = os.waitpid(shell, os.WNOHANG)
        status = code if ended else None
    return status is not None


status = None
resize(columns, rows)
try:
    for line in sys.stdin:
        verb, _, rest = line.rstrip('\n').partition(' ')
        answer = {}
        if verb == 'expect':
            answer = wait(lambda: any(rest in shown for shown in screen()), rest) or {'screen': screen()}
        elif verb == 'key':
            os.write(terminal, rest.encode().decode('unicode_escape').encode())
        elif verb == 'signal':
            os.kill(pid, int(rest))
        elif verb == 'stopped':
            state = lambda: open('/proc/%d/stat' % pid).read().rsplit(')', 1)[1].split()[0]
            answer = wait(lambda: state() == 'T', 'a stop')
            while read(0.05) and select.select([terminal], [], [], 0)[0]:
                pass
            answer = answer or modes()
        elif verb == 'resize':
            resize(*map(int, rest.split()))
        elif verb == 'end':
            answer = wait(has_ended, 'the end')
            while read(0.05) and select.select([terminal], [], [], 0)[0]:
                pass
            answer = answer or dict(modes(), exit=os.waitstatus_to_exitcode(status))
        print(json.dumps(answer), flush=True)
finally:
    if not has_ended():
        os.kill(pid, signal.SIGKILL)
        os.waitpid(shell, 0)
