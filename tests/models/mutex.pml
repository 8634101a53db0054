/* The mutex of SharedMutex: word, seats, the kernel's marks, kills at any instant, the fence before a take-over, the one-second look, and patience.
   -DN=n processes, -DR=r entries each, -DMAXK=k kills.
   Mutants, each of which must fail: -DNOFENCE takes over without the fence; -DNOLOOK has no look; -DDROPWAITERS -DNOLOOK enters after a sleep without keeping the bit.
   The labels are those of the code: SYNC mutex.waiters, mutex.confirm. */
#ifndef N
#define N 3
#endif
#ifndef R
#define R 2
#endif
#ifndef MAXK
#define MAXK 1
#endif
byte owner = 0; bool W = 0; bool I = 0;
bool seat[4] = 1; byte life[4] = 0;      /* life: 0 runs, 1 killed (may still store), 2 stopped */
bool asleep[4] = 0; byte watch[4] = 0; bool crit[4] = 0; byte kills = 0; byte looks = 0;
#define CANWAKE(x) (asleep[x] && life[x] != 2)
#if N == 3
#define EACH(a) a(1) a(2) a(3)
#define NONE (!CANWAKE(1) && !CANWAKE(2) && !CANWAKE(3))
#else
#define EACH(a) a(1) a(2)
#define NONE (!CANWAKE(1) && !CANWAKE(2))
#endif
#define WAKEONE(x) :: CANWAKE(x) -> asleep[x] = 0; got = 1
#define WAKELIFE(x) :: CANWAKE(x) && watch[x] == j -> asleep[x] = 0
#define WAKEALL(x) if :: asleep[x] && watch[x] == j -> asleep[x] = 0 :: else fi;
inline wakeword(got) { got = 0; if EACH(WAKEONE) :: NONE -> skip fi }
inline wakelife(j) { if EACH(WAKELIFE) :: else -> skip fi }
inline wakealllife(j) { EACH(WAKEALL) skip }
proctype P(byte me) provided (life[me] == 0)
{
  byte o; bool w; bool i; bool slept; bool got; byte n = 0;
  do
  :: n < R ->
     n++; slept = 0;
  retry:
     atomic { o = owner; w = W; i = I };
     if
     :: o == 0 -> /* mutex.waiters: whoever has slept cannot know whether others sleep behind it */
#ifdef DROPWAITERS
        atomic { if :: owner == 0 && W == w && I == i -> owner = me; W = 0 :: else -> goto retry fi }
#else
        atomic { if :: owner == 0 && W == w && I == i -> owner = me; W = (slept || w) :: else -> goto retry fi }
#endif
     :: o != 0 && !seat[o] -> /* mutex.confirm */
#ifndef NOFENCE
        (life[o] == 2);
#endif
        d_step { if :: slept -> wakealllife(o) :: else fi }
        atomic { if :: owner == o && W == w && I == i -> owner = me; I = 1; i = 1; W = (slept || w) :: else -> goto retry fi }
     :: o != 0 && seat[o] ->
        if :: !w -> atomic { if :: owner == o && W == 0 && I == i -> W = 1 :: else -> goto retry fi } :: w fi;
        atomic { if :: owner == o && W == 1 && I == i && seat[o] -> asleep[me] = 1; watch[me] = o :: else -> goto retry fi }
        (!asleep[me]); slept = 1; goto retry
     fi;
     d_step { crit[me] = 1; i = I }
     assert(!(crit[1] && me != 1 && life[1] != 2) && !(crit[2] && me != 2 && life[2] != 2) && !(crit[3] && me != 3 && life[3] != 2));
     if :: i -> I = 0 :: !i fi;
     crit[me] = 0;
  leave: /* mutex.waiters: FUTEX_WAKE_OP stores and wakes in one step */
     atomic { w = W; assert(owner == me) };
     if
     :: !w -> atomic { if :: owner == me && W == 0 -> owner = 0 :: else -> goto leave fi }
     :: w ->
        atomic { owner = 0; W = 1; wakeword(got) };
        if :: !got -> atomic { if :: owner == 0 && W == 1 && I == 0 -> W = 0 :: else fi } :: got fi
     fi
  :: n == R -> break
  od
}
proctype Dies(byte j) { /* the mark and the end of the last thread happen in either order */
  if
  :: atomic { seat[j] = 0; wakelife(j) }; atomic { life[j] = 2; asleep[j] = 0 }
  :: atomic { life[j] = 2; asleep[j] = 0 }; atomic { seat[j] = 0; wakelife(j) }
  fi
}
#define KILL(x) :: life[x] == 0 -> life[x] = 1; run Dies(x)
#define STUCK(x) (asleep[x] && life[x] == 0)
#define LOOKAT(x) if :: life[x] == 0 -> asleep[x] = 0 :: else fi;
init { byte j; atomic { j = 1; do :: j <= N -> run P(j); j++ :: else -> break od };
  do
  :: kills < MAXK -> atomic { kills++; if EACH(KILL) :: else fi }
  :: break
  od;
end_idle: do
  :: timeout ->
     if
     :: STUCK(1) || STUCK(2) || STUCK(3) ->
#ifdef NOLOOK
        assert(false)                    /* somebody living sleeps for ever */
#else
        d_step { looks++; assert(looks <= 3); EACH(LOOKAT) skip }
#endif
     :: else -> break
     fi
  od
}
