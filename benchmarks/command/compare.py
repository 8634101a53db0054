#!/usr/bin/env python3
"""Measures the command shm beside the tools that people use in its place: sudo python3 benchmarks/command/compare.py

It needs root (a /dev/shm of its own), cc, and 4 GiB of memory. The candidates of a row run by turns, ROUNDS times; printed are medians of elapsed
and of processor time (user and system, children included), and the ratio of both to the first candidate.
"""
import os, resource, shutil, statistics, subprocess, sys, tempfile, time

ROUNDS = 9
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

if os.environ.get('SHM_OWN_MOUNT') != '1':
    os.environ['SHM_OWN_MOUNT'] = '1'
    command = 'mount -t tmpfs -o size=4g,mode=1777,nr_inodes=50k tmpfs /dev/shm && exec python3 "$0"'
    os.execvp('unshare', ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', command, os.path.abspath(__file__)])

scratch = tempfile.mkdtemp(prefix='shm-compare-')
quiet = dict(stdout=subprocess.DEVNULL, check=True)


def build():
    subprocess.run(['cc', '-O2', '-o', f'{scratch}/proc_walk', f'{HERE}/proc_walk.c'], check=True)
    subprocess.run(['dotnet', 'publish', '-c', 'Release', '-r', 'linux-x64', '-o', f'{scratch}/shm', f'{ROOT}/src/Posix.SharedMemory.Tool'], **quiet)
    os.mkdir(f'{scratch}/empty')
    with open(f'{scratch}/empty/empty.csproj', 'w') as project:
        project.write('<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>')
    with open(f'{scratch}/empty/Program.cs', 'w') as program:
        program.write('return 0;')
    subprocess.run(['dotnet', 'publish', '-c', 'Release', '-o', f'{scratch}/empty/out', f'{scratch}/empty'], **quiet)


def once(command):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(['sh', '-c', command], stdout=subprocess.DEVNULL, check=True)
    elapsed, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(title, candidates, clean=None):
    taken = {name: [] for name, _ in candidates}
    for round in range(ROUNDS + 1):
        for name, command in candidates if round % 2 else reversed(candidates):
            result = once(command)
            if clean:
                once(clean)
            if round:
                taken[name].append(result)
    print(f'\n### {title}\n\n| | ms | × first | cpu ms | × first |\n|---|--:|--:|--:|--:|')
    medians = {name: [statistics.median(column) * 1000 for column in zip(*results)] for name, results in taken.items()}
    first = medians[candidates[0][0]]
    for name, (elapsed, cpu) in medians.items():
        print(f'| {name} | {elapsed:.1f} | {elapsed / first[0]:.2f} | {cpu:.1f} | {cpu / first[1]:.2f} |', flush=True)


try:
    build()
    shm = f'{scratch}/shm/shm'
    print(f'load {os.getloadavg()[0]:.1f}; {ROUNDS} rounds')
    compare('Start-up', [('an empty .NET program', f'{scratch}/empty/out/empty'), ('shm --version', f'{shm} --version')])

    with open('/dev/shm/big', 'wb') as big:
        for _ in range(1024):
            big.write(os.urandom(1 << 20))
    compare('1 GiB out, to a file on the same tmpfs', [('cat', 'cat /dev/shm/big >/dev/shm/copy'), ('shm cat', f'{shm} cat big >/dev/shm/copy')], 'rm -f /dev/shm/copy')
    compare('1 GiB in, from a file on the same tmpfs', [
        ('cp', 'cp /dev/shm/big /dev/shm/copy'), ('shm create --from', f'{shm} create copy --from /dev/shm/big'),
        ('cat FILE \\| cat', 'cat /dev/shm/big | cat >/dev/shm/copy'), ('cat FILE \\| shm create --from -', f'cat /dev/shm/big | {shm} create copy --from -'),
    ], 'rm -f /dev/shm/copy')
    os.unlink('/dev/shm/big')

    for number in range(10_000):
        with open(f'/dev/shm/object-{number:05}', 'wb') as made:
            made.write(b'x')
    compare('10,000 objects', [('ls -l and a walk as lsof\'s', f'ls -l /dev/shm; {scratch}/proc_walk'), ('shm ls', f'{shm} ls'), ('shm ls --json', f'{shm} ls --json')])

    held = os.open('/dev/shm/object-00000', os.O_RDWR)
    holders = [subprocess.Popen(['sleep', '1000'], pass_fds=[held]) for _ in range(1000)]
    try:
        compare('One object held by 1,000 processes', [('ls -l and a walk as lsof\'s', f'ls -l /dev/shm; {scratch}/proc_walk'), ('shm who', f'{shm} who object-00000')])
    finally:
        for holder in holders:
            holder.kill()
        for holder in holders:
            holder.wait()
finally:
    shutil.rmtree(scratch)
