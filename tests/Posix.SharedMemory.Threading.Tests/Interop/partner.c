/* The C partner of the tests: joins a roster through psm.h, says who it is, and does one thing per line. */
#include "psm.h"
#include <fcntl.h>
#include "refuse.h"
#define MUTEX 8192
#define SEMAPHORE 20480
#define EVENT 20496
#define EVENTCOUNT 20504
#define DATA 28672
/* In another file: all files of a program share one guard. */
int join_elsewhere(struct psm_roster *, void *, uint32_t);
int main(int argc, char **argv) {
  if (argc > 2 && refuse(argv[2], ENOSYS)) return 7;
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
    else if (!strcmp(line, "try")) { int how = psm_lock_until(&r, mutex, 0); puts(how < 0 ? "retired" : how == PSM_TIMED_OUT ? "taken" : how == PSM_OWNER_DIED ? "after a death" : "entered"); }
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
