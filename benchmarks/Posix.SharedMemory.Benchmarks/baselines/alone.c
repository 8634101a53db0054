// Runs the lives of the file that it is linked with, in a process of their own. Each line of input names one: FUNCTION TEXT LENGTH COUNT.
// The answer is the time of all COUNT lives in nanoseconds, elapsed and of the processor.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static int64_t now(clockid_t clock)
{
    struct timespec time;
    return clock_gettime(clock, &time) == 0 ? time.tv_sec * INT64_C(1000000000) + time.tv_nsec : -1;
}

int main(void)
{
    char function[64], text[256];
    long length, count;
    while (scanf("%63s %255s %ld %ld", function, text, &length, &count) == 4) {
        int (*life)(const char *, long) = (int (*)(const char *, long))dlsym(RTLD_DEFAULT, function);
        if (life == NULL) {
            return 2;
        }

        int64_t processor = now(CLOCK_THREAD_CPUTIME_ID), elapsed = now(CLOCK_MONOTONIC);
        for (long i = 0; i < count; i++) {
            if (life(text, length) != 0) {
                return 1;
            }
        }

        elapsed = now(CLOCK_MONOTONIC) - elapsed;
        processor = now(CLOCK_THREAD_CPUTIME_ID) - processor;
        printf("%ld %ld\n", (long)elapsed, (long)processor);
        fflush(stdout);
    }

    return 0;
}
