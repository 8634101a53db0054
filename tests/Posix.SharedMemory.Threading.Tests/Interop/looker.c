/* Joins a roster of one seat: looker FILE [die]. Prints "joined", or "full" where the seat's owner is alive; with "die", the word of its life, and is killed. */
#include "psm.h"
#include <fcntl.h>
#include <errno.h>

int main(int argc, char **argv) {
  int fd = argc < 2 ? -1 : open(argv[1], O_RDWR); unsigned char *m = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); if (m == MAP_FAILED) return 9;
  struct psm_roster r; int e = psm_join(&r, m, 1); if (e && e != -EUSERS) { printf("join %d\n", e); return 1; }
  if (argc > 2 && !e) { printf("%u\n", psm_load((uint32_t *)psm_seat(&r, 1))); fflush(stdout); raise(SIGKILL); }
  puts(e ? "full" : "joined"); if (!e) psm_leave(&r);
  return 0;
}
