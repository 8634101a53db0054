/* Runs a program behind a filter: refuse CALL ERRNO PROGRAM ARGUMENT... */
#include "refuse.h"
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 4 || refuse(argv[1], atoi(argv[2]))) return 7;
  execv(argv[3], argv + 3);
  return 8;
}
