/* Once: one process does the work, the others sleep on the word and on the life of the one that does it. It may throw: the next one tries. It may be killed at any instant: the next one does it
   over. A killed process can store until its last thread has ended, which the fence of a take-over waits for. -DN=n processes, -DMAXK=k kills.
   A look of a second comes when nothing else can happen: for a waiter that was woken and killed. -DNOLOOK: nobody looks, which holds without kills.
   The labels are those of mutex.pml: once stands on the same word.
   Mutants, each of which must fail: -DDONEFIRST: the word says done before the work is; -DMAXK=0 -DNOLOOK -DWAKEONE: the end of the work wakes one sleeper only; -DNOFENCE: who takes over does not wait for the fence;
   -DNOLIFE: sleepers do not watch the life of the one that works, and nobody looks. */
#ifndef N
#define N 3
#endif
#ifndef MAXK
#define MAXK 1
#endif
#define DONE 7
byte owner = 0; bool W = 0;                                                            /* one word */
bool alive[4] = 1; bool ended[4]; bool asleep[4]; byte watch[4]; bool working[4];      /* alive: as the kernel marks it; ended: nothing is stored any more */
byte data = 0; byte kills = 0; byte returned = 0; byte looks = 0; bool stopped[4];
#define RUNS(x) (!stopped[x])
proctype Process(byte me) provided (!stopped[me])
{
  byte o; bool w; bool slept = 0; bool throws; byte x;
retry:
  atomic { o = owner; w = W };
  if
  :: o == DONE -> assert(data == 2); goto over
  :: o == 0 -> atomic { if :: owner == 0 && W == w -> owner = me; W = (w || slept) :: else -> goto retry fi }
  :: o != 0 && o != DONE && !alive[o] ->
#ifndef NOFENCE
     (ended[o]);
#endif
     atomic { if :: owner == o && W == w -> owner = me; W = (w || slept) :: else -> goto retry fi }
  :: o != 0 && o != DONE && alive[o] ->
     if :: !w -> atomic { if :: owner == o && !W -> W = 1 :: else -> goto retry fi } :: w fi;
#ifdef NOLIFE
     atomic { if :: owner == o && W -> asleep[me] = 1 :: else -> goto retry fi };
#else
     atomic { if :: owner == o && W && alive[o] -> asleep[me] = 1; watch[me] = o :: else -> goto retry fi };
#endif
     atomic { !asleep[me] -> watch[me] = 0; slept = 1 };
     goto retry
  fi;
  working[me] = 1;
  assert(!(working[1] && me != 1) && !(working[2] && me != 2) && !(working[3] && me != 3));
  if :: throws = 1 :: throws = 0 fi;
#ifdef DONEFIRST
  if :: !throws -> owner = DONE :: else fi;
#endif
  data = 1;
  if
  :: throws -> working[me] = 0;
     atomic { owner = 0; x = 1; do :: x <= N && !(asleep[x] && RUNS(x)) -> x++ :: x <= N && asleep[x] && RUNS(x) -> asleep[x] = 0; break :: x > N -> break od; x = 0 }
  :: !throws ->
     data = 2; working[me] = 0;
#ifdef WAKEONE
     atomic { owner = DONE; x = 1; do :: x <= N && !asleep[x] -> x++ :: x <= N && asleep[x] -> asleep[x] = 0; break :: x > N -> break od; x = 0 }
#else
     owner = DONE;
     atomic { asleep[1] = 0; asleep[2] = 0; asleep[3] = 0 }
#endif
  fi;
over:
  returned++
}
inline told(j) { atomic { if :: watch[1] == j -> asleep[1] = 0 :: else fi; if :: watch[2] == j -> asleep[2] = 0 :: else fi; if :: watch[3] == j -> asleep[3] = 0 :: else fi } }
/* Killed: it stores until it has stopped, and the kernel marks its seat before or after that, and wakes one of those that watch it, who passes that on. */
proctype Dies(byte j) {
  if
  :: alive[j] = 0; told(j); atomic { stopped[j] = 1; ended[j] = 1; working[j] = 0; asleep[j] = 0 }
  :: atomic { stopped[j] = 1; ended[j] = 1; working[j] = 0; asleep[j] = 0 }; alive[j] = 0; told(j)
  fi
}
#define STUCK(x) (asleep[x] && RUNS(x))
init { byte j = 1; byte k = 0;
  atomic { do :: j <= N -> run Process(j); j++ :: else -> break od; j = 0 };
  do
  :: kills < MAXK -> atomic { kills++; if :: !stopped[1] -> k = 1 :: !stopped[2] -> k = 2 :: k = 0 fi; if :: k -> run Dies(k) :: else fi }
  :: break
  od;
end_idle:
  do
  :: timeout ->
     if
     :: STUCK(1) || STUCK(2) || STUCK(3) ->
#if defined(NOLIFE) || defined(NOLOOK)
        assert(false)
#else
        d_step { looks++; assert(looks <= 2); asleep[1] = 0; asleep[2] = 0; asleep[3] = 0 }
#endif
     :: else -> break
     fi
  od
}
