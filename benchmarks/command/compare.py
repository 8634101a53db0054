#!/usr/bin/env python3
"""Measures the command shm against what people use without it, by turns, in a /dev/shm that nobody else sees.

    benchmarks/command/compare.py [ROUNDS [WORD...]]      as root: it takes a mount namespace of its own

Builds shm as it is shipped for this system, one native file, and as it is for any other (plain); and an empty program with machine code made ahead (ReadyToRun) and plain. Prints Markdown: elapsed and processor time
(with children) in milliseconds, the median of the rounds, with the fastest and the slowest; and the median of the ratios within a round. Each row comes
first as often as last. What is not installed is left out, with a line that says so.
"""
import os, platform, resource, shutil, statistics, subprocess, sys, tempfile, time

# With words, only the tables whose titles begin with one of them.
ONLY = [word.lower() for word in sys.argv[2:]]
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 11
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OBJECTS, PROCESSES, BYTES = 10_000, 1_000, 1 << 30


def build(directory):
    empty = f'{directory}/empty'
    os.mkdir(empty)
    with open(f'{empty}/empty.csproj', 'w') as project:
        project.write('<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><InvariantGlobalization>true</InvariantGlobalization>'
                      '<UseSystemResourceKeys>false</UseSystemResourceKeys><TieredPGO>false</TieredPGO><SelfContained>false</SelfContained></PropertyGroup></Project>')
    with open(f'{empty}/Program.cs', 'w') as program:
        program.write('return 0;\n')
    system = 'linux-arm64' if platform.machine() == 'aarch64' else 'linux-x64'
    tool = f'{ROOT}/src/Posix.SharedMemory.Tool'
    publish(tool, f'{directory}/shm-native', '-r', system)
    publish(tool, f'{directory}/shm-plain')
    publish(empty, f'{directory}/empty-ahead', '-r', system, '-p:PublishReadyToRun=true')
    publish(empty, f'{directory}/empty-plain')


def publish(source, output, *more):
    done = subprocess.run(['dotnet', 'publish', '-c', 'Release', '--nologo', '-o', output, *more, source], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def once(line):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(['sh', '-c', line], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    elapsed = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f'{line}: {done.stderr}')
    return 1e3 * elapsed, 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def has_tools(row):
    missing = [tool for tool in ('lsof', 'fuser') if tool in row[1].replace(';', ' ').split() and not shutil.which(tool)]
    for tool in missing:
        print(f'SKIPPED: {tool} is not installed: "{row[0]}" is left out, and the ratios of its table are against the first row that is there.')
    return not missing


def compare(title, *rows, between=lambda: None):
    """The first row is what the others are measured against."""
    if ONLY and title.split()[0].strip(",").lower() not in ONLY:
        return
    rows = [row for row in rows if has_tools(row)]
    measured = [[] for _ in rows]
    for round in range(ROUNDS):
        order = range(len(rows)) if round % 2 == 0 else reversed(range(len(rows)))
        for at in order:
            between()
            measured[at].append(once(rows[at][1]))
    print(f'\n### {title}\n\nLoad average {os.getloadavg()[0]:.1f}, {ROUNDS} rounds.\n\n| | ms | spread | × | cpu ms | × |\n|---|---:|---:|---:|---:|---:|')
    for (name, _), times in zip(rows, measured):
        elapsed, cpu = ([time[part] for time in times] for part in (0, 1))
        ratios = [statistics.median(time[part] / base[part] for time, base in zip(times, measured[0])) for part in (0, 1)]
        print(f'| {name} | {statistics.median(elapsed):.1f} | {min(elapsed):.1f}–{max(elapsed):.1f} | {ratios[0]:.2f} | {statistics.median(cpu):.1f} | {ratios[1]:.2f} |', flush=True)


def main(directory):
    build(directory)
    shm = f'{directory}/shm-native/shm'
    subprocess.run(['mount', '--make-rprivate', '/'], check=True)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs', '/dev/shm'], check=True)
    print(f'Linux {os.uname().release}, {os.cpu_count()} cores, .NET {subprocess.getoutput("dotnet --version")}, '
          f'commit {subprocess.getoutput(f"git -C {ROOT} rev-parse --short HEAD")}, {time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}')

    compare('Start', ('empty program, ReadyToRun', f'{directory}/empty-ahead/empty'), ('shm --version', f'{shm} --version'),
            ('empty program, plain', f'{directory}/empty-plain/empty'), ('shm --version, plain', f'{directory}/shm-plain/shm --version'))

    compare('Empty directory', ('ls -l', 'ls -l /dev/shm'), ('shm ls', f'{shm} ls'), ('shm ls, plain', f'{directory}/shm-plain/shm ls'))

    for number in range(OBJECTS):
        with open(f'/dev/shm/object-{number:05}', 'wb') as made:
            made.write(b'x' * (number % 5000))
    compare(f'List {OBJECTS} objects', ('ls -l; lsof', 'ls -l /dev/shm; lsof'), ('ls -l; lsof +D /dev/shm', 'ls -l /dev/shm; lsof +D /dev/shm; true'), ('ls -l; lsof /dev/shm', 'ls -l /dev/shm; lsof /dev/shm; true'),
            ('shm ls', f'{shm} ls'), ('shm ls --json', f'{shm} ls --json'), ('shm ls --names', f'{shm} ls --names'), ('shm ls, plain', f'{directory}/shm-plain/shm ls'))
    for number in range(OBJECTS):
        os.unlink(f'/dev/shm/object-{number:05}')

    with open('/dev/shm/held', 'wb') as made:
        made.write(bytes(4096))
    held = os.open('/dev/shm/held', os.O_RDWR)
    holders = [subprocess.Popen(['sleep', '1000'], pass_fds=[held]) for _ in range(PROCESSES)]
    try:
        compare(f'Who, {PROCESSES} processes', ('ls -l; lsof', 'ls -l /dev/shm; lsof'), ('ls -l; lsof /dev/shm/held', 'ls -l /dev/shm; lsof /dev/shm/held'), ('fuser -v /dev/shm/held', 'fuser -v /dev/shm/held'),
                ('shm who', f'{shm} who held'), ('shm who --json', f'{shm} who held --json'), ('shm who, plain', f'{directory}/shm-plain/shm who held'))
    finally:
        for holder in holders:
            holder.kill()
            holder.wait()
        os.close(held)

    def clean():
        for name in 'target', 'copy':
            if os.path.exists(f'/dev/shm/{name}'):
                os.unlink(f'/dev/shm/{name}')

    piece = os.urandom(1 << 20)
    with open('/dev/shm/source', 'wb') as made:
        for _ in range(BYTES >> 20):
            made.write(piece)
    compare('Copy in 1 GiB, from a file of the same tmpfs', ('cp', 'cp /dev/shm/source /dev/shm/copy'), ('shm create --from FILE', f'{shm} create target --from /dev/shm/source'), between=clean)
    compare('Copy in 1 GiB, from a pipe', ('cat FILE | cat > COPY', 'cat /dev/shm/source | cat > /dev/shm/copy'), ('cat FILE | shm create --from -', f'cat /dev/shm/source | {shm} create target --from -'), between=clean)
    compare('Copy out 1 GiB, to a file of the same tmpfs', ('cat', 'cat /dev/shm/source > /dev/shm/copy'), ('shm cat', f'{shm} cat source > /dev/shm/copy'), between=clean)
    compare('Copy out 1 GiB, to a pipe', ('cat', 'cat /dev/shm/source | cat > /dev/null'), ('shm cat', f'{shm} cat source | cat > /dev/null'), between=clean)


if 'IN_NAMESPACE' not in os.environ:
    os.environ['IN_NAMESPACE'] = 'yes'
    os.execvp('unshare', ['unshare', '--mount', sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
with tempfile.TemporaryDirectory() as directory:
    main(directory)
