/* Kills a process that uses psm.h after each of its instructions. Usage: stepper FILE. A line "SCENARIO N" starts a victim and prints "ready PARTICIPANT"; after another line the victim makes N
   instructions of the scenario, and is killed and reaped. "asleep" is printed when it sleeps in a call: a line then lets it go on (once it has been woken), "kill" ends it there.
   Then "killed" is printed, or "finished" if the scenario has fewer instructions; the victim is dead in either case. "enter" enters and leaves as a survivor in C. */
#include "psm.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#define MUTEX 8192
#define SEMAPHORE 20480
#define EVENT 20496
#define EVENTCOUNT 20504
#define OTHER 32768 /* a second roster, which the victim joins in the middle of a scenario */
static unsigned char *memory;

struct shared { uint32_t me; };
static void begin(struct shared *shared, uint32_t me) { shared->me = me; raise(SIGSTOP); }
static void victim(const char *what, struct shared *shared) {
  struct psm_roster r, other; uint32_t *mutex = (uint32_t *)(memory + MUTEX);
  if (psm_join(&r, memory, 63) || psm_mutex_at(mutex)) _exit(7);
  if (!strcmp(what, "enter-leave")) { begin(shared, r.me); psm_lock(&r, mutex); psm_unlock(&r, mutex); }
  else if (!strcmp(what, "leave")) { psm_lock(&r, mutex); begin(shared, r.me); psm_unlock(&r, mutex); }
  else if (!strcmp(what, "repair")) { begin(shared, r.me); if (psm_lock(&r, mutex) == PSM_OWNER_DIED) psm_consistent(mutex); psm_unlock(&r, mutex); }
  else if (!strcmp(what, "try")) { begin(shared, r.me); if (psm_lock_until(&r, mutex, psm_now() + 1000000) != PSM_TIMED_OUT) psm_unlock(&r, mutex); }
  else if (!strcmp(what, "release")) { begin(shared, r.me); psm_semaphore_release((uint32_t *)(memory + SEMAPHORE), 1); }
  else if (!strcmp(what, "take")) { begin(shared, r.me); psm_semaphore_wait((uint32_t *)(memory + SEMAPHORE)); }
  else if (!strcmp(what, "set")) { begin(shared, r.me); psm_event_set((uint32_t *)(memory + EVENT)); }
  else if (!strcmp(what, "notify")) { begin(shared, r.me); psm_notify_all(&r, (uint32_t *)(memory + EVENTCOUNT)); }
  else if (!strcmp(what, "join")) { begin(shared, r.me); psm_join(&other, memory + OTHER, 1); }
  else if (!strcmp(what, "join-leave")) { if (psm_join(&other, memory + OTHER, 1)) _exit(7); begin(shared, r.me); psm_leave(&other); }
  else _exit(6);
  shared->me = r.me; raise(SIGSTOP); pause();
}
static char state(pid_t process) {
  char text[256] = ""; snprintf(text, sizeof text, "/proc/%d/stat", process); FILE *f = fopen(text, "r"); if (!f) return 'X';
  size_t n = fread(text, 1, sizeof text - 1, f); fclose(f); text[n] = 0; char *p = strrchr(text, ')'); return p ? p[2] : 'X';
}
/* Waits for the next stop. 0: the process sleeps. */
static int stopped(pid_t process, int *status, int milliseconds) {
  for (int64_t until = psm_now() + milliseconds * 1000000ll; ;) {
    pid_t p = waitpid(process, status, WNOHANG); if (p == process) return 1; if (p < 0) return -1;
    if (psm_now() >= until && state(process) == 'S') return 0;
  }
}
static int run(const char *what, long steps, struct shared *shared) {
  shared->me = 0; pid_t process = fork();
  if (!process) { if (ptrace(PTRACE_TRACEME, 0, 0, 0)) _exit(5); victim(what, shared); _exit(4); }
  int status, finished = 0, asleep = 0; if (waitpid(process, &status, 0) != process || !WIFSTOPPED(status)) { printf("refused %x\n", status); return 1; }
  char line[32]; printf("ready %u\n", shared->me); fflush(stdout); if (!fgets(line, sizeof line, stdin)) return 1;
  for (long i = 0; i < steps && !finished; i++) {
    if (ptrace(PTRACE_SINGLESTEP, process, 0, 0)) break;
    int how = stopped(process, &status, asleep ? 500 : 20); /* a second sleep that nobody ends: another took what it was woken for */
    if (how == 0 && !asleep) { /* it sleeps: the test decides what happens next */
      asleep = 1; printf("asleep\n"); fflush(stdout); if (!fgets(line, sizeof line, stdin) || !strcmp(line, "kill\n")) break;
      how = stopped(process, &status, 60000);
    }
    if (how != 1) break;
    if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP) finished = 1;
    else if (!WIFSTOPPED(status)) { printf("ended %x\n", status); return 1; }
  }
  kill(process, SIGKILL); while (waitpid(process, &status, __WALL) == process && !WIFSIGNALED(status)) ;
  puts(finished ? "finished" : "killed"); return 0;
}
int main(int argc, char **argv) {
  int fd = argc > 1 ? open(argv[1], O_RDWR) : -1; memory = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); if (fd < 0 || memory == MAP_FAILED) return 9;
  struct shared *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); char line[64], what[32]; long steps;
  while (fgets(line, sizeof line, stdin)) {
    if (!strcmp(line, "enter\n")) {
      pid_t process = fork(); int status;
      if (!process) {
        struct psm_roster r; uint32_t *mutex = (uint32_t *)(memory + MUTEX); if (psm_join(&r, memory, 63) || psm_mutex_at(mutex)) _exit(7);
        int how = psm_lock_until(&r, mutex, psm_now() + 60000000000ll); if (how == PSM_OWNER_DIED) psm_consistent(mutex); if (how != PSM_TIMED_OUT) psm_unlock(&r, mutex);
        psm_leave(&r); _exit(how);
      }
      waitpid(process, &status, 0); printf("%s\n", !WIFEXITED(status) ? "crashed" : WEXITSTATUS(status) == PSM_OK ? "entered" : WEXITSTATUS(status) == PSM_OWNER_DIED ? "after a death" : "timed out");
    } else if (sscanf(line, "%31s %ld", what, &steps) == 2) run(what, steps, shared);
    fflush(stdout);
  }
  return 0;
}
