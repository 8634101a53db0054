// The processor time of the calling thread: on a shared machine it leaves out the time in which others ran.
#include <stdint.h>
#include <time.h>

int64_t thread_nanoseconds(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0 ? now.tv_sec * INT64_C(1000000000) + now.tv_nsec : -1;
}
