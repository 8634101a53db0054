/* Kills a process after so many stops of one of its threads. Usage: tracer THREAD calls|steps COUNT FILE OFFSET. Traces the thread, prints "attached", lets it begin by storing 1 at the offset
   of the file (which is shared memory), and lets it make COUNT instructions, or reach COUNT beginnings and ends of system calls. Prints "killed" when it is dead, "refused" if it cannot be traced. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 6) return 2;
    pid_t thread = atoi(argv[1]);
    int calls = !strcmp(argv[2], "calls"), status = 0, fd = open(argv[4], O_RDWR);
    char *memory = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || memory == MAP_FAILED) return 3;
    if (ptrace(PTRACE_SEIZE, thread, 0, PTRACE_O_TRACESYSGOOD) || ptrace(PTRACE_INTERRUPT, thread, 0, 0) || waitpid(thread, &status, __WALL) != thread) {
        puts("refused");
        return 0;
    }
    puts("attached");
    fflush(stdout);
    __atomic_store_n((uint32_t *)(memory + atol(argv[5])), 1, __ATOMIC_SEQ_CST);
    for (long left = atol(argv[3]); left > 0;) {
        int signal = WIFSTOPPED(status) && !(status >> 16) && WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != (SIGTRAP | 0x80) ? WSTOPSIG(status) : 0;
        if (ptrace(calls ? PTRACE_SYSCALL : PTRACE_SINGLESTEP, thread, 0, signal) || waitpid(thread, &status, __WALL) != thread || !WIFSTOPPED(status)) break;
        if (WSTOPSIG(status) == (calls ? SIGTRAP | 0x80 : SIGTRAP) && !(status >> 16)) left--;
    }
    kill(thread, SIGKILL);
    while (!WIFSIGNALED(status) && !WIFEXITED(status) && waitpid(thread, &status, __WALL) == thread) ;
    puts("killed");
    return 0;
}
