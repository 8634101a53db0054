/* Leases of one range, on machines with store buffers: threads 0 and 1 take a lease each in counts that only they write, thread 2 closes the range (thread 0 with -DSELF).
   A thread's stores to its own count stand in its buffer until it passes a barrier, the closing thread imposes one, or the machine pleases; everything else is a swap.
   Thread 1 claims its stripe by a swap first, as thread 0 has its count already. The range is unmapped when the counts' reference and the closing thread's own are gone.
   Mutants, each of which must fail: -DNOBARRIER: the closing thread imposes none; -DNOPHASE: the counts are read before the barrier has been passed everywhere;
   -DNOFENCE: the last lease does not pass a barrier before it reads the others' counts; -DNOLOOK: a lease that ends does not look at the phase;
   -DNOUNDO: a lease that is refused does not look in another's place; with -DSELF, -DNOSTRIPES: the barrier is left out although there are stripes. */
#define OPEN 0
#define CLOSING 1
#define COUNTED 2
#define ENDED 3
#ifndef L
#define L 2
#endif
byte phase = OPEN; bool stripes = 0;
byte count[2]; byte newest[2]; byte older[2];   /* in memory; the newest in the buffer; the store before it */
byte pending[2];                                             /* how many stores stand in the buffer: 0, 1 or 2 */
byte references = 2; bool mapped = 1; byte done = 0;
#define drain(t) if :: pending[t] > 0 -> count[t] = newest[t]; pending[t] = 0 :: else fi
inline store(t, v)
{
  atomic
  {
    if
    :: pending[t] == 2 -> count[t] = older[t]; older[t] = newest[t]
    :: pending[t] == 1 -> older[t] = newest[t]; pending[t] = 2
    :: else -> pending[t] = 1
    fi;
    newest[t] = v
  }
}
inline release() { atomic { references--; if :: references == 0 -> mapped = 0 :: else fi } }
inline endIfNoneLeft(t)
{
#ifndef NOFENCE
  atomic { if :: t < 2 -> drain(t) :: else fi };             /* SYNC lease.last */
#endif
  if
  :: phase == COUNTED ->
     a = count[0]; if :: t == 0 && pending[0] > 0 -> a = newest[0] :: else fi;
     b = count[1]; if :: t == 1 && pending[1] > 0 -> b = newest[1] :: else fi;
     if
     :: a == 0 && b == 0 ->                                    /* SYNC lease.end */
        atomic { won = (phase == COUNTED); if :: won -> phase = ENDED; if :: t < 2 -> drain(t) :: else fi :: else fi };
        if :: won -> release() :: else fi
     :: else
     fi
  :: else
  fi
}
inline close(t)
{
  atomic { mine = (phase == OPEN); if :: mine -> phase = CLOSING :: else fi; if :: t < 2 -> drain(t) :: else fi };
  if
  :: mine ->
#ifdef NOPHASE
     phase = COUNTED;
#endif
#ifndef NOBARRIER
     if
#ifdef NOSTRIPES
     :: t == 0 -> skip
#else
     :: t == 0 && !stripes -> skip                            /* the only count is one's own */
#endif
     :: else ->
        atomic { drain(0) };                                  /* SYNC lease.count: one processor after the other */
        atomic { drain(1) }
     fi;
#endif
     phase = COUNTED;
     endIfNoneLeft(t);
     release()                                                /* SafeHandle's own reference */
  :: else
  fi
}
inline leases(t)
{
  do
  :: n < L ->
     n++;
     store(t, 1);
     seen = phase;
     if
     :: seen == OPEN ->
        assert(mapped);                                       /* the bytes are used */
        store(t, 0);
#ifndef NOLOOK
        seen = phase; if :: seen != OPEN -> endIfNoneLeft(t) :: else fi
#endif
     :: else ->
        store(t, 0);
#ifndef NOUNDO
        endIfNoneLeft(t);
#endif
        break
     fi
  :: n == L -> break
  od
}
active proctype First()
{
  byte n = 0; byte seen; byte a; byte b; bool won; bool mine;
  leases(0);
#ifdef SELF
  close(0);
#endif
  done++
}
active proctype Second()
{
  byte n = 0; byte seen; byte a; byte b; bool won;
  atomic { stripes = 1 };
  leases(1);
  done++
}
#ifndef SELF
active proctype Closer()
{
  byte a; byte b; bool won; bool mine;
  close(2);
  done++
}
#define ALL 3
#else
#define ALL 2
#endif
active proctype Buffers()
{
  do
  :: atomic { pending[0] == 2 -> count[0] = older[0]; pending[0] = 1 }
  :: atomic { pending[0] == 1 -> count[0] = newest[0]; pending[0] = 0 }
  :: atomic { pending[1] == 2 -> count[1] = older[1]; pending[1] = 1 }
  :: atomic { pending[1] == 1 -> count[1] = newest[1]; pending[1] = 0 }
  :: done == ALL && pending[0] == 0 && pending[1] == 0 -> break
  od;
  assert(!mapped && references == 0 && phase == ENDED)       /* unmapped, and once */
}
