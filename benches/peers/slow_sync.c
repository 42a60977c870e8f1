/* A slower disk, for everybody who is measured alike: loaded in front of the C library (LD_PRELOAD), it makes each
 * fsync(2) and fdatasync(2) take BENCH_SYNC_US microseconds longer. The thread that asked waits; the core is free for
 * others meanwhile, as with a real disk. `scripts/bench.sh` builds it where BENCH_SYNC_US is set. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static void wait_as_long_as_asked(void) {
    static __thread int is_exact;
    const char *text = getenv("BENCH_SYNC_US");
    long us = text ? strtol(text, NULL, 10) : 0;
    struct timespec span = {us / 1000000, us % 1000000 * 1000};
    if (us <= 0) return;
    /* Without this the kernel may add 50 us of its own. */
    if (!is_exact) is_exact = prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0) == 0;
    while (nanosleep(&span, &span) != 0) {
    }
}

static int then(const char *name, int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    wait_as_long_as_asked();
    return real(file);
}

int fsync(int file) { return then("fsync", file); }
int fdatasync(int file) { return then("fdatasync", file); }
