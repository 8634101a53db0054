/* Refuses a system call with an error, as an old kernel or a container's filter does. In numbers, since not every C library comes with linux/filter.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

struct step { unsigned short code; unsigned char yes, no; unsigned k; };
static int refuse(const char *name, int error) {
  static const struct { const char *name; unsigned call, operation; /* of futex, which is its second argument; 0: whatever the arguments are */ } calls[] = {
    {"futex_waitv", 449, 0}, {"membarrier", SYS_membarrier, 0}, {"set_robust_list", SYS_set_robust_list, 0}, {"get_robust_list", SYS_get_robust_list, 0},
    {"gettid", SYS_gettid, 0}, {"FUTEX_WAKE_OP", SYS_futex, 5}};
  for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
    if (strcmp(calls[i].name, name)) continue;
    unsigned operation = calls[i].operation;
    struct step steps[] = {{0x20, 0, 0, 0 /* load the number of the call */}, {0x15, 0, 4, calls[i].call}, {0x20, 0, 0, 24 /* load the second argument */},
      {0x15, 1, 0, operation}, {0x15, 0, 1, operation ? operation : ~0u}, {0x06, 0, 0, 0x00050000u | (unsigned)error}, {0x06, 0, 0, 0x7fff0000u /* allow */}};
    if (!operation) steps[3] = (struct step){0x05, 0, 0, 1 /* to the refusal */};
    struct { unsigned short count; struct step *steps; } filter = {7, steps};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2 /* by a filter */, &filter);
  }
  return 1;
}
