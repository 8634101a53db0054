/* psm.h: takes part in the rosters, mutexes, event counts, semaphores and events of Posix.SharedMemory.Threading. C11, Linux, 64-bit, little-endian, header-only.
   The bytes and protocols are in docs/spec/threading. Every function returns 0 or a positive outcome, or a negative errno; -EINVAL: a place that is not a multiple of 8, or a roster's that is not one of 64. */
#ifndef PSM_H
#define PSM_H
#ifdef __cplusplus
#error "psm.h is C11: include it in a C file, and call that from C++."
#endif
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* linux/futex.h, which not every C library comes with. */
#ifndef FUTEX_WAKE_OP
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_WAKE_OP 5
#define FUTEX_OP_SET 0
#define FUTEX_OP_OR 2
#define FUTEX_OP_OPARG_SHIFT 8
#define FUTEX_OP_CMP_EQ 0
#endif

#define PSM_WAITERS 0x80000000u
#define PSM_INCONSISTENT 0x40000000u
#define PSM_PATIENT 0x20000000u
#define PSM_OWNER 0x1fffffffu
#define PSM_RETIRED 0x0fffffffu
#define PSM_THREAD 0x3fffffffu
#define PSM_REGISTERED 0x80000000u
#define PSM_JOINING 0x40000000u
enum { PSM_OK = 0, PSM_OWNER_DIED = 1, PSM_TIMED_OUT = 2 };

struct psm_roster { unsigned char *base; uint32_t seats, me, boot, seat; int registered; unsigned char *pages; uint32_t process; };
struct psm_waitv { uint64_t val, addr; uint32_t flags, reserved; };
struct psm_guard_state { void **head; volatile uint32_t tid; uint32_t boot; uint64_t start, space; int registered, watches_forks; pthread_mutex_t gate; };
/* One for all files of a program that include this. */
#define PSM_ONE __attribute__((weak, visibility("hidden")))
PSM_ONE struct psm_guard_state psm_guard = {.gate = PTHREAD_MUTEX_INITIALIZER};

static inline uint32_t psm_load(uint32_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static inline int psm_swap(uint32_t *word, uint32_t from, uint32_t to) { return __atomic_compare_exchange_n(word, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); }
static inline long psm_futex(uint32_t *word, int op, long value, void *timeout, uint32_t *word2, long value3) { return syscall(SYS_futex, word, op, value, timeout, word2, value3); }
static inline int psm_wake(uint32_t *word, int count) { return (int)psm_futex(word, FUTEX_WAKE, count, 0, 0, 0); }
/* In one call, so that no kill falls between. Whatever refuses it, the word is changed: nobody keeps a lock because of it. */
static inline int psm_change_and_wake(uint32_t *word, int op, int argument, int count) {
  int woken = (int)psm_futex(word, FUTEX_WAKE_OP, count, 0, word, (long)(int)((uint32_t)op << 28 | (uint32_t)FUTEX_OP_CMP_EQ << 24 | (uint32_t)argument << 12 | 0xfff));
  if (woken >= 0) return woken;
  if (op == FUTEX_OP_OR) __atomic_fetch_or(word, (uint32_t)argument, __ATOMIC_SEQ_CST); else __atomic_store_n(word, 1u << argument, __ATOMIC_SEQ_CST);
  return psm_wake(word, count);
}
static inline int64_t psm_now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ll + t.tv_nsec; }
PSM_ONE int psm_fences_refused;
static inline int psm_fence_all(void) { if (syscall(SYS_membarrier, 2, 0, 0) == 0) return 1; psm_fences_refused = 1; return 0; }
/* Sleeps until a word changes, at most one second, and not past the deadline. 1: until then. The second word is a life: the kernel wakes one sleeper at its end, who wakes the others. */
static inline int psm_sleep(struct psm_waitv *words, int count, int64_t deadline) {
  int64_t until = psm_now() + 1000000000ll; if (deadline < until) until = deadline;
  struct timespec t = {until / 1000000000ll, until % 1000000000ll}; int look = 0;
  if (syscall(449, words, count, 0, &t, CLOCK_MONOTONIC) < 0 && (look = errno == ETIMEDOUT, errno == ENOSYS || errno == EPERM || errno == EACCES || errno == EINVAL)) {
    int64_t left = until - psm_now(); struct timespec slice = {0, left < 0 ? 0 : left < 50000000 ? (long)left : 50000000}; look = 1; /* before Linux 5.16, or behind a filter: one word, in slices, with a look after each */
    psm_futex((uint32_t *)(uintptr_t)words[0].addr, FUTEX_WAIT, (long)words[0].val, &slice, 0, 0);
  }
  if (count > 1 && (psm_load((uint32_t *)(uintptr_t)words[1].addr) & 0x40000000u)) psm_wake((uint32_t *)(uintptr_t)words[1].addr, INT_MAX);
  return look;
}
static inline int psm_claim_tag(uint32_t *place, uint32_t tag) { uint32_t found = 0; return ((uintptr_t)place & 7) != 4 ? -EINVAL : __atomic_compare_exchange_n(place, &found, tag, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) || found == tag ? 0 : -EILSEQ; }

/* -- roster -- */
static inline uint64_t *psm_seat(struct psm_roster *r, uint32_t seat) { return (uint64_t *)(r->base + 64 + 32 * (seat - 1)); }
static inline size_t psm_roster_size(uint32_t seats) { return (64 + 32ul * seats + 63) & ~63ul; }
#define PSM_BOOT_FILE "/proc/sys/kernel/random/boot_id"
/* Which boot of the machine this is; 1: unknown. Containers may have a number of their own mounted over the kernel's file: that is none that all processes see. */
static inline uint32_t psm_boot(void) {
  char text[4096] = ""; uint32_t b = 1; int own = 0; FILE *f = fopen("/proc/self/mountinfo", "r"); if (!f) return 1;
  while (fgets(text, sizeof text, f)) own |= strstr(text, " " PSM_BOOT_FILE " ") != 0;
  fclose(f); if (own || !(f = fopen(PSM_BOOT_FILE, "r"))) return 1;
  if (fgets(text, 9, f)) b = (uint32_t)strtoul(text, 0, 16);
  fclose(f); return b ? b : 1;
}
static inline int psm_other_boot(uint32_t mine, uint32_t other) { return mine != other && mine != 1 && other != 1; }
/* When a process started, in clock ticks since boot; 0: unknown, UINT64_MAX: there is no such process, UINT64_MAX - 1: it has ended, and its parent has not asked how. */
static inline uint64_t psm_start_time(uint32_t process) {
  char text[1024]; size_t n = 0; snprintf(text, sizeof text, "/proc/%u/stat", process); FILE *f = fopen(text, "r"); if (!f) return errno == ENOENT ? UINT64_MAX : 0;
  errno = 0; n = fread(text, 1, sizeof text - 1, f); int e = errno; fclose(f); text[n] = 0;
  char *p = strrchr(text, ')'), *state = p ? p + 1 : p, *threads = 0; for (int i = 0; p && i < 20; i++) { p = strchr(p + 1, ' '); threads = i == 17 ? p : threads; }
  if (p && (state[1] == 'Z' || state[1] == 'X') && strtol(threads, 0, 10) == 1) return UINT64_MAX - 1;
  return p ? strtoull(p + 1, 0, 10) : e == ESRCH ? UINT64_MAX : 0;
}
static inline uint64_t psm_inode(const char *path) { char text[64]; ssize_t n = readlink(path, text, sizeof text - 1); if (n < 0) return 0; text[n] = 0; char *p = strchr(text, '['); return p ? strtoull(p + 1, 0, 10) : 0; }
/* Where process numbers and start times mean the same: the PID namespace and, above it, the time namespace unless it is the machine's first; 0: unknown. */
static inline uint64_t psm_namespace(void) { uint64_t pid = psm_inode("/proc/self/ns/pid"), clocks = psm_inode("/proc/self/ns/time"); return !pid || !clocks || clocks == 0xeffffffaul ? pid : pid | clocks << 32; }
static void *psm_guard_main(void *up) {
  syscall(SYS_set_robust_list, psm_guard.head, 3 * sizeof(void *));
  long thread = syscall(SYS_gettid); psm_guard.tid = (uint32_t)(thread > 0 ? thread : getpid()); (void)up; /* a filter may refuse gettid: then the second witness finds this end */
  for (;;) pause();
  return 0;
}
/* A child of fork has no guard yet, and the list that it sees is its parent's: it begins its own when it joins. */
static void psm_guard_forked(void) {
  if (psm_guard.head) munmap(psm_guard.head, (size_t)sysconf(_SC_PAGESIZE));
  psm_guard.head = 0; psm_guard.tid = 0; psm_guard.gate = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}
/* The list is in shared memory that nobody shares: the reaper of a process that ran out of memory takes private pages before its threads end. */
static inline int psm_guard_start(void) {
  int result = 0; pthread_mutex_lock(&psm_guard.gate);
  if (!psm_guard.tid) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE); void *head = psm_guard.head ? psm_guard.head : mmap(0, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (head == MAP_FAILED) { pthread_mutex_unlock(&psm_guard.gate); return -errno; }
    if (!psm_guard.watches_forks && pthread_atfork(0, 0, psm_guard_forked)) { munmap(head, page); psm_guard.head = 0; pthread_mutex_unlock(&psm_guard.gate); return -ENOMEM; }
    psm_guard.watches_forks = 1; psm_guard.head = head; psm_guard.head[0] = head; psm_guard.head[1] = (void *)page; psm_guard.head[2] = 0;
    psm_guard.boot = psm_boot(); psm_guard.start = psm_start_time((uint32_t)getpid()); psm_guard.space = psm_namespace(); psm_guard.registered = syscall(SYS_membarrier, 4, 0, 0) == 0;
    pthread_t thread; if (pthread_create(&thread, 0, psm_guard_main, 0)) result = -EAGAIN; else { pthread_detach(thread); while (!psm_guard.tid) usleep(50); }
  }
  pthread_mutex_unlock(&psm_guard.gate); return result;
}
static inline int psm_taken(struct psm_roster *r, uint32_t seat, uint64_t both) { return ((uint32_t)both & PSM_THREAD) && !psm_other_boot(r->boot, __atomic_load_n((uint32_t *)psm_seat(r, seat) + 3, __ATOMIC_SEQ_CST)); }
static inline int psm_alive(struct psm_roster *r, uint32_t participant, uint32_t **life, uint32_t *value) {
  uint32_t seat = participant >> 18 & 0x3ff; if (!seat || seat > r->seats) return -EILSEQ;
  uint64_t both = __atomic_load_n(psm_seat(r, seat), __ATOMIC_SEQ_CST); *life = (uint32_t *)psm_seat(r, seat); *value = (uint32_t)both;
  return ((uint32_t)(both >> 32) & 0x3ffff) == (participant & 0x3ffff) && psm_taken(r, seat, both);
}
static inline void psm_confirm_end(struct psm_roster *r, uint32_t participant) {
  uint64_t both = __atomic_load_n(psm_seat(r, participant >> 18 & 0x3ff), __ATOMIC_SEQ_CST);
  if (((uint32_t)(both >> 32) & 0x3ffff) == (participant & 0x3ffff) && (!((uint32_t)(both >> 32) & PSM_REGISTERED) || !psm_fence_all())) usleep(10000);
}
static inline int psm_exists(uint32_t number) { return kill((pid_t)number, 0) == 0 || errno != ESRCH; } /* also where /proc hides the processes of others */
static inline uint32_t psm_space_bits(void) { return psm_guard.space ? 1 + (uint32_t)psm_guard.space % 0xfff : 0; }
/* The second witness: marks a seat whose process is gone although the kernel could not mark it, if it was in this PID namespace and /proc shows that. */
static inline int psm_witness(struct psm_roster *r, uint32_t seat) {
  uint32_t *words = (uint32_t *)psm_seat(r, seat), process = psm_load(words + 2); uint64_t both = __atomic_load_n(psm_seat(r, seat), __ATOMIC_SEQ_CST), space = __atomic_load_n((uint64_t *)(words + 4), __ATOMIC_SEQ_CST),
    start = __atomic_load_n((uint64_t *)(words + 6), __ATOMIC_SEQ_CST); char self[16] = ""; ssize_t n = readlink("/proc/self", self, sizeof self - 1);
  if (!psm_taken(r, seat, both) || n < 1 || strtol(self, 0, 10) != getpid()) return 0;
  uint64_t dead = (both & ~0xffffffffull) | 0xc0000000u;
  if ((uint32_t)(both >> 32) & PSM_JOINING) { /* killed between claim and list: the claim names thread and namespace; who lives all the same finds the seat changed */
    if (!psm_guard.space || ((uint32_t)(both >> 50) & 0xfff) != psm_space_bits() || psm_exists((uint32_t)both & PSM_THREAD)) return 0;
  } else {
    if (!space || !process || !start || space != psm_guard.space) return 0;
    uint64_t found = psm_start_time(process); if (!found || found == start || psm_load(words + 2) != process || (found == UINT64_MAX && psm_exists(process))) return 0;
  }
  if (__atomic_compare_exchange_n(psm_seat(r, seat), &both, dead, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) psm_wake(words, INT_MAX);
  return 1;
}
static inline void psm_unlink(struct psm_roster *r) {
  void **node = (void **)(r->pages + ((uintptr_t)psm_seat(r, r->seat) & ((uintptr_t)sysconf(_SC_PAGESIZE) - 1))), **p;
  pthread_mutex_lock(&psm_guard.gate); for (p = &psm_guard.head[0]; *p != (void *)node; p = *p) ; __atomic_store_n(p, *node, __ATOMIC_SEQ_CST); pthread_mutex_unlock(&psm_guard.gate);
}
/* Takes a seat at base, which lies in a shared mapping at a multiple of 64. */
static inline int psm_join(struct psm_roster *r, void *base, uint32_t seats) {
  if ((uintptr_t)base & 63) return -EINVAL;
  int e = psm_guard_start(); if (e) return e;
  *r = (struct psm_roster){.base = base, .seats = seats, .boot = psm_guard.boot, .registered = psm_guard.registered, .process = (uint32_t)getpid()};
  uint64_t header = 0x524d5350ull | 1ull << 32 | (uint64_t)seats << 48, zero = 0;
  if (!__atomic_compare_exchange_n((uint64_t *)base, &zero, header, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) && zero != header) return -EILSEQ;
  size_t page = (size_t)sysconf(_SC_PAGESIZE); uint32_t *joins = (uint32_t *)(r->base + 8);
  for (uint32_t i = 0, first = psm_load(joins) % seats; i < 2 * seats; i++) { /* the second time around with the witness */
    uint32_t seat = (first + i) % seats + 1, *words = (uint32_t *)psm_seat(r, seat); uint64_t both = __atomic_load_n(psm_seat(r, seat), __ATOMIC_SEQ_CST);
    if (((uint32_t)both & PSM_THREAD) && psm_other_boot(r->boot, psm_load(words + 3))) { uint64_t dead = (both & ~0xffffffffull) | 0xc0000000u; __atomic_compare_exchange_n(psm_seat(r, seat), &both, dead, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); both = __atomic_load_n(psm_seat(r, seat), __ATOMIC_SEQ_CST); }
    if (i >= seats && psm_witness(r, seat)) both = __atomic_load_n(psm_seat(r, seat), __ATOMIC_SEQ_CST);
    if ((uint32_t)both & PSM_THREAD) continue;
    if (((uint32_t)both & 0x40000000u) && !((uint32_t)(both >> 32) & PSM_REGISTERED)) usleep(10000);
    unsigned char *at = (unsigned char *)((uintptr_t)words & ~(page - 1)), *pages = mmap(0, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return -errno;
    if (mremap(at, 0, page, MREMAP_MAYMOVE | MREMAP_FIXED, pages + page) != pages + page) { e = -errno; munmap(pages, 2 * page); return e; }
    void **node = (void **)(pages + ((unsigned char *)words - at));
    __atomic_store_n(words + 3, r->boot, __ATOMIC_SEQ_CST);
    uint32_t incarnation = ((uint32_t)(both >> 32) + 1) & 0x3ffff; if (!incarnation) incarnation = 1;
    uint64_t claim = (uint64_t)(incarnation | (r->registered ? PSM_REGISTERED : 0)) << 32 | PSM_WAITERS | psm_guard.tid, joining = claim | (uint64_t)(PSM_JOINING | psm_space_bits() << 18) << 32;
    pthread_mutex_lock(&psm_guard.gate); *node = psm_guard.head[0]; /* all is ready before the claim; a kill in the instructions up to the next store is found by the second witness */
    int won = __atomic_compare_exchange_n(psm_seat(r, seat), &both, joining, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); if (won) __atomic_store_n(&psm_guard.head[0], (void *)node, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&psm_guard.gate); r->pages = pages; r->seat = seat; if (!won) { munmap(pages, 2 * page); continue; }
    __atomic_store_n((uint64_t *)(words + 4), 0, __ATOMIC_SEQ_CST); /* nobody reads this of a joiner */
    if (!__atomic_compare_exchange_n(psm_seat(r, seat), &joining, claim, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) { psm_unlink(r); munmap(pages, 2 * page); continue; }
    __atomic_store_n(words + 2, (uint32_t)getpid(), __ATOMIC_SEQ_CST); __atomic_store_n((uint64_t *)(words + 6), psm_guard.start, __ATOMIC_SEQ_CST); __atomic_store_n((uint64_t *)(words + 4), psm_guard.space, __ATOMIC_SEQ_CST);
    r->me = 1u << 28 | seat << 18 | incarnation;
    psm_wake(words, INT_MAX); __atomic_add_fetch(joins, 1, __ATOMIC_SEQ_CST); psm_wake(joins, INT_MAX); return 0;
  }
  return -EUSERS;
}
/* In a child of the process that joined it only forgets the roster: the seat and the locks are the parent's. */
static inline void psm_leave(struct psm_roster *r) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE); if (r->process != (uint32_t)getpid()) { munmap(r->pages, 2 * page); r->me = 0; return; }
  uint32_t *words = (uint32_t *)psm_seat(r, r->seat); psm_unlink(r);
  __atomic_store_n(words, 0, __ATOMIC_SEQ_CST); psm_wake(words, INT_MAX); munmap(r->pages, 2 * page); r->me = 0;
}

/* -- mutex: 16 bytes, the tag at +4 -- */
static inline int psm_mutex_at(void *place) { return psm_claim_tag((uint32_t *)place + 1, 0x314d5850); }
/* Nobody slept on the free word: nobody is patient, and whoever queued since is woken. */
static inline void psm_clear_patience(uint32_t *word, uint32_t v) { if (psm_swap(word, v, v & ~(PSM_WAITERS | PSM_PATIENT))) psm_wake(word, INT_MAX); }
/* A waiter leaves without having entered: the wake-up may have been meant for it. */
static inline int psm_give_up(uint32_t *word, uint32_t v, int slept) {
  if (slept && !(v & PSM_OWNER) && psm_wake(word, 1) == 0 && (v & PSM_PATIENT)) psm_clear_patience(word, v);
  return PSM_TIMED_OUT;
}
/* PSM_OK; PSM_OWNER_DIED: entered, and what the dead owner left is unrepaired; PSM_TIMED_OUT; -ENOTRECOVERABLE: retired; -EILSEQ: the bytes were overwritten.
   The deadline is one of psm_now; one that has passed already makes it a try, which never waits and passes by those who wait. */
static inline int psm_lock_until(struct psm_roster *r, uint32_t *word, int64_t deadline) {
  if (psm_swap(word, 0, r->me)) return PSM_OK;
  int slept = 0, tries = psm_now() >= deadline, swaps = 0; int64_t patience = 0;
  for (;;) {
    uint32_t v = psm_load(word), owner = v & PSM_OWNER, *life = 0, value = 0; int alive = 1, patient = patience > 1000000;
    if (++swaps > 1000 && psm_now() >= deadline) return psm_give_up(word, v, slept); /* somebody does nothing else than write the word */
    if (!owner && (slept || tries || !(v & PSM_PATIENT))) { if (psm_swap(word, v, r->me | (v & PSM_INCONSISTENT) | (slept ? PSM_WAITERS : v & PSM_WAITERS) | (patient || tries ? v & PSM_PATIENT : 0))) return v & PSM_INCONSISTENT ? PSM_OWNER_DIED : PSM_OK; continue; }
    if (owner && !(owner & 1u << 28)) return -ENOTRECOVERABLE;
    if (owner && (alive = psm_alive(r, owner, &life, &value)) < 0) return alive;
    if (owner && !alive) { psm_confirm_end(r, owner); if (psm_swap(word, v, r->me | PSM_INCONSISTENT | (slept ? PSM_WAITERS : v & PSM_WAITERS) | (v & PSM_PATIENT))) return PSM_OWNER_DIED; swaps += 250; continue; }
    int64_t now = psm_now(); if (now >= deadline) return psm_give_up(word, v, slept);
    uint32_t marked = v | PSM_WAITERS | (patient && owner ? PSM_PATIENT : 0); if (marked != v && !psm_swap(word, v, marked)) continue;
    struct psm_waitv words[2] = {{marked, (uintptr_t)word, 2, 0}, {0, 0, 2, 0}}; if (owner) { words[1].val = value; words[1].addr = (uintptr_t)life; }
    if (psm_sleep(words, owner ? 2 : 1, deadline) && owner && owner != r->me) psm_witness(r, owner >> 18 & 0x3ff);
    slept = 1; swaps = 0; patience += psm_now() - now;
  }
}
static inline int psm_lock(struct psm_roster *r, uint32_t *word) { return psm_lock_until(r, word, INT64_MAX); }
static inline void psm_consistent(uint32_t *word) { __atomic_and_fetch(word, ~PSM_INCONSISTENT, __ATOMIC_SEQ_CST); }
/* -EPERM: this process is not the owner. */
static inline int psm_unlock(struct psm_roster *r, uint32_t *word) {
  if (psm_swap(word, r->me, 0)) return 0;
  for (;;) {
    uint32_t v = psm_load(word); if ((v & PSM_OWNER) != r->me) return -EPERM;
    if (v & (PSM_INCONSISTENT | PSM_PATIENT)) { uint32_t f = v & ~PSM_OWNER; if (!psm_swap(word, v, f)) continue; if ((v & PSM_WAITERS) && psm_wake(word, 1) == 0) psm_clear_patience(word, f); return 0; }
    if (v & PSM_WAITERS) { if (psm_change_and_wake(word, FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 31, 1) == 0) psm_swap(word, PSM_WAITERS, 0); return 0; }
    if (psm_swap(word, v, 0)) return 0;
  }
}

/* -- event count: 8 bytes -- */
static inline int psm_eventcount_at(void *place) { return psm_claim_tag((uint32_t *)place + 1, 0x314e5850); }
static inline int psm_notify_all(struct psm_roster *r, uint32_t *word) {
  if (!r->registered) __atomic_thread_fence(__ATOMIC_SEQ_CST);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  for (;;) { uint32_t v = __atomic_load_n(word, __ATOMIC_ACQUIRE); if (!(v & 1)) return 0; if (psm_swap(word, v, (v + 2) & ~1u)) { psm_wake(word, INT_MAX); return 1; } }
}
static inline uint32_t psm_prepare_wait(uint32_t *word) { uint32_t key = __atomic_or_fetch(word, 1, __ATOMIC_SEQ_CST); psm_fence_all(); return key; }
/* Where membarrier is refused, whoever notifies without a fence may not see the sleeper: it looks every millisecond. */
static inline void psm_wait(uint32_t *word, uint32_t key) { struct timespec second = {psm_fences_refused ? 0 : 1, psm_fences_refused ? 1000000 : 0}; if (psm_load(word) == key) psm_futex(word, FUTEX_WAIT, key, &second, 0, 0); }

/* -- semaphore: 16 bytes -- */
static inline int psm_semaphore_at(void *place, uint32_t initial, uint32_t maximum) {
  uint32_t *words = place, found = 0; uint64_t zero = 0; if ((uintptr_t)place & 7) return -EINVAL;
  if (!__atomic_compare_exchange_n(words + 2, &found, maximum, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) && found != maximum) return -EILSEQ;
  return __atomic_compare_exchange_n((uint64_t *)place, &zero, 0x31535850ull << 32 | initial, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) || zero >> 32 == 0x31535850 ? 0 : -EILSEQ;
}
static inline void psm_semaphore_wait(uint32_t *word) {
  for (int slept = 0;;) {
    uint32_t v = psm_load(word);
    if (v & 0x7fffffff) { if (psm_swap(word, v, (v - 1) | (slept ? PSM_WAITERS : 0))) return; continue; }
    if (!(v & PSM_WAITERS) && !psm_swap(word, v, v | PSM_WAITERS)) continue;
    struct timespec second = {1, 0}; psm_futex(word, FUTEX_WAIT, (long)(v | PSM_WAITERS), &second, 0, 0); slept = 1;
  }
}
static inline int psm_semaphore_release(uint32_t *word, uint32_t count) {
  for (;;) {
    uint32_t v = psm_load(word); if (count > word[2] - (v & 0x7fffffff)) return -EOVERFLOW;
    if (!psm_swap(word, v, v + count)) continue;
    if ((v & PSM_WAITERS) && psm_wake(word, (int)count) < (int)count && psm_swap(word, v + count, (v + count) & ~PSM_WAITERS)) psm_wake(word, INT_MAX); /* the word may be what it was although others went to sleep since */
    return 0;
  }
}

/* -- event: 8 bytes. One that exists keeps its state; -EILSEQ: something else, or an event of the other mode -- */
static inline int psm_event_at(void *place, int automatic, int is_set) {
  uint64_t zero = 0, tag = 0x31455850u | (automatic ? PSM_WAITERS : 0); if ((uintptr_t)place & 7) return -EINVAL;
  return __atomic_compare_exchange_n((uint64_t *)place, &zero, tag << 32 | (is_set ? 1 : 0), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) || zero >> 32 == tag ? 0 : -EILSEQ;
}
static inline int psm_event_is_auto(uint32_t *word) { return word[1] >> 31; }
static inline void psm_event_set(uint32_t *word) {
  for (;;) {
    uint32_t v = psm_load(word); if (v & 1) return;
    if (!(v & PSM_WAITERS)) { if (psm_swap(word, v, v | 1)) return; continue; }
    int one = psm_event_is_auto(word); if (psm_change_and_wake(word, FUTEX_OP_OR, 1, one ? 1 : INT_MAX) == 0 && one) psm_swap(word, v | 1, (v | 1) & ~PSM_WAITERS);
    return;
  }
}
static inline void psm_event_wait(uint32_t *word) {
  uint32_t pulses = psm_load(word) & 0x7ffffffe; int slept = 0, automatic = psm_event_is_auto(word);
  for (;;) {
    uint32_t v = psm_load(word);
    if (v & 1) { if (!automatic || psm_swap(word, v, (v & ~1u) | (slept ? PSM_WAITERS : 0))) return; continue; }
    if (!automatic && (v & 0x7ffffffe) != pulses) return;
    if (!(v & PSM_WAITERS) && !psm_swap(word, v, v | PSM_WAITERS)) continue;
    struct timespec second = {1, 0}; psm_futex(word, FUTEX_WAIT, (long)(v | PSM_WAITERS), &second, 0, 0); slept = 1;
  }
}
#endif
