/* The C partner of the tests: joins a roster through psm.h, says who it is, and does one thing per line. */
#include "psm.h"
#include <fcntl.h>
#include <sys/prctl.h>
#define MUTEX 8192
#define SEMAPHORE 20480
#define EVENT 20496
#define EVENTCOUNT 20504
#define DATA 28672
/* In another file: all files of a program share one guard. */
int join_elsewhere(struct psm_roster *, void *, uint32_t);
/* Refuses a system call with ENOSYS, as an old kernel or a container's filter does. In numbers, since not every C library comes with linux/filter.h. */
struct step { unsigned short code; unsigned char yes, no; unsigned k; };
static int refuse(unsigned call, unsigned operation /* of futex; 0: whatever the arguments are */) {
  struct step steps[] = {{0x20, 0, 0, 0 /* load the number of the call */}, {0x15, 0, 4, call}, {0x20, 0, 0, 24 /* load the second argument */},
    {0x15, 1, 0, operation}, {0x15, 0, 1, operation ? operation : ~0u}, {0x06, 0, 0, 0x00050000u | ENOSYS}, {0x06, 0, 0, 0x7fff0000u /* allow */}};
  if (!operation) steps[3] = (struct step){0x05, 0, 0, 1 /* to the refusal */};
  struct { unsigned short count; struct step *steps; } filter = {7, steps};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2 /* by a filter */, &filter);
}
int main(int argc, char **argv) {
  if (argc > 2 && refuse(!strcmp(argv[2], "futex_waitv") ? 449 : !strcmp(argv[2], "membarrier") ? SYS_membarrier : !strcmp(argv[2], "FUTEX_WAKE_OP") ? SYS_futex : SYS_set_robust_list,
      !strcmp(argv[2], "FUTEX_WAKE_OP") ? FUTEX_WAKE_OP : 0)) return 7;
  int fd = open(argv[1], O_RDWR); unsigned char *m = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); if (argc < 2 || m == MAP_FAILED) return 9;
  struct psm_roster r; int e = join_elsewhere(&r, m, 63); if (e) { printf("join %d\n", e); return 1; }
  uint32_t *mutex = (uint32_t *)(m + MUTEX), *semaphore = (uint32_t *)(m + SEMAPHORE), *event = (uint32_t *)(m + EVENT), *count = (uint32_t *)(m + EVENTCOUNT);
  volatile int64_t *first = (int64_t *)(m + DATA), *second = (int64_t *)(m + DATA + 64), *torn = (int64_t *)(m + DATA + 128);
  if (psm_mutex_at(mutex) || psm_eventcount_at(count)) return 8;
  printf("%u\n", r.me); fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    if (!strcmp(line, "enter")) printf("%s\n", psm_lock(&r, mutex) == PSM_OWNER_DIED ? "after a death" : "entered");
    else if (!strcmp(line, "try")) { int how = psm_lock_until(&r, mutex, 0); puts(how == PSM_TIMED_OUT ? "taken" : how == PSM_OWNER_DIED ? "after a death" : "entered"); }
    else if (!strcmp(line, "leave")) printf("%d\n", psm_unlock(&r, mutex));
    else if (!strcmp(line, "consistent")) { psm_consistent(mutex); puts("consistent"); }
    else if (!strcmp(line, "wait-semaphore")) { psm_semaphore_wait(semaphore); puts("taken"); }
    else if (!strcmp(line, "release")) printf("%d\n", psm_semaphore_release(semaphore, 1));
    else if (!strcmp(line, "wait-event")) { psm_event_wait(event); puts("set"); }
    else if (!strcmp(line, "set")) { psm_event_set(event); puts("set"); }
    else if (!strcmp(line, "notify")) printf("%d\n", psm_notify_all(&r, count));
    else if (!strcmp(line, "wait-count")) { uint32_t key = psm_prepare_wait(count); puts("prepared"); fflush(stdout); while (psm_load(count) == key) psm_wait(count, key); puts("notified"); }
    else if (!strcmp(line, "quit")) { psm_leave(&r); puts("left"); return 0; }
    else if (!strcmp(line, "fork")) {
      pid_t child = fork();
      if (!child) { psm_leave(&r); if (psm_join(&r, m, 63)) _exit(6); printf("%u %d\n", r.me, getpid()); fflush(stdout); for (;;) pause(); }
      continue;
    }
    else if (!strcmp(line, "work")) {
      puts("working"); fflush(stdout);
      for (;;) { int how = psm_lock(&r, mutex); if (how == PSM_OWNER_DIED) { *second = *first; psm_consistent(mutex); } else if (*first != *second) ++*torn; ++*first; ++*second; psm_unlock(&r, mutex); }
    }
    fflush(stdout);
  }
  return 0;
}
