/* A program that knows the C library's semaphores only: NAME create|open. It says how long a sem_t is and where its value is, and then does one thing per line. */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {
  if (argc < 3) return 9;
  sem_t *s = strcmp(argv[2], "create") ? sem_open(argv[1], 0) : sem_open(argv[1], O_CREAT | O_EXCL, 0600, 0), local; if (s == SEM_FAILED) { printf("sem_open %d\n", errno); return 1; }
  memset(&local, 0, sizeof local); if (sem_init(&local, 1, 5)) return 2;
  size_t at = 0; while (at < sizeof local && ((unsigned char *)&local)[at] != 5) at++;
  printf("%zu %zu\n", sizeof local, at); fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    int value; line[strcspn(line, "\n")] = 0;
    if (!strcmp(line, "wait")) printf("%d\n", sem_wait(s));
    else if (!strcmp(line, "post")) printf("%d\n", sem_post(s));
    else if (!strcmp(line, "value")) { sem_getvalue(s, &value); printf("%d\n", value); }
    else if (!strcmp(line, "unlink")) puts(sem_unlink(argv[1]) ? "not unlinked" : "unlinked");
    fflush(stdout);
  }
  return 0;
}
