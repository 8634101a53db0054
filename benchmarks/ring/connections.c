/* What a Unix socket takes, in C: connections pong COUNT: 64 bytes there and back between two processes that sleep, in nanoseconds for each; connections stream COUNT: pieces of 64 KiB one way, in MB/s. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
enum { MESSAGE = 64, PIECE = 64 << 10 };
static unsigned char bytes[PIECE];
static int64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ll + t.tv_nsec; }
static void pin(int cpu) { cpu_set_t set; CPU_ZERO(&set); CPU_SET(cpu, &set); sched_setaffinity(0, sizeof set, &set); }
static void get(int s, size_t length) { for (size_t got = 0; got < length;) { ssize_t n = read(s, bytes + got, length - got); if (n <= 0) exit(3); got += (size_t)n; } }
static void put(int s, size_t length) { for (size_t sent = 0; sent < length;) { ssize_t n = write(s, bytes + sent, length - sent); if (n <= 0) exit(4); sent += (size_t)n; } }
int main(int argc, char **argv) {
  if (argc < 3) return 9;
  int pair[2], pong = !strcmp(argv[1], "pong"); long count = atol(argv[2]); if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return 1;
  pid_t child = fork();
  if (!child) {
    pin(1); close(pair[0]);
    for (long n = 0; n < count; n++) { get(pair[1], pong ? MESSAGE : PIECE); if (pong) put(pair[1], MESSAGE); }
    put(pair[1], 1); return 0;
  }
  pin(0); close(pair[1]); int64_t start = now();
  for (long n = 0; n < count; n++) { if (n == count / 10) start = now(); put(pair[0], pong ? MESSAGE : PIECE); if (pong) get(pair[0], MESSAGE); }
  get(pair[0], 1); double took = (double)(now() - start), measured = (double)(count - count / 10);
  printf("%.1f\n", pong ? took / measured : measured * PIECE * 1000 / took); waitpid(child, 0, 0); return 0;
}
