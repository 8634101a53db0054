/* The event count: blocked sleepers, an asynchronous wait beside them, whose process sleeps for it in its service thread, and notifiers on a machine with store buffers. Notifiers pass no fence
   of their own; the sleeper's fence is for both sides. Notifier 0 may be killed anywhere, also between its swap and its wake-up; each process that sleeps then notifies for itself.
   -DNN=n notifiers, -DM=m messages each, -DNS=s blocked sleepers, -DSERVICE: an asynchronous wait in the process of sleeper 0, too.
   Mutants, each of which must fail: -DNOFENCE: sleepers impose no fence; -DNOLOOKAGAIN: they do not look again after their bit; -DNODEATH: a death is not told; -DNOWAKE: a death that finds no
   bit wakes nobody; -DSERVICE -DNOENTERLOOK: a wait that has entered its queue does not look at the word once more; -DSERVICE -DSLEPTON: the service thread compares the waits with the
   value on which it last slept. */
#ifndef NN
#define NN 2
#endif
#ifndef M
#define M 1
#endif
#ifndef NS
#define NS 2
#endif
byte data[NN]; byte word = 0;                         /* word: bit 0 sleepers, the rest counts */
bool pending[NN]; byte buffered[NN];                  /* the notifiers' stores, not yet seen by others */
bool asleep[NS + 1]; bool done[NS + 1];               /* the last: the service thread, and the wait for which it sleeps */
bool dead[NN]; bool marked = 0;                       /* only notifier 0 dies */
bool gate = 0; bool queued = 0; bool completed = 0; byte queuedKey;
inline drain(n) { if :: pending[n] -> data[n] = buffered[n]; pending[n] = 0 :: else fi }
inline wakeAll() { d_step { asleep[0] = 0; asleep[NS] = 0;
#if NS > 1
  asleep[1] = 0
#endif
} }
#if NN > 1
#define OVER ((data[0] == M || marked) && data[1] == M)
inline fence() { atomic { drain(0); drain(1) } }
#else
#define OVER (data[0] == M || marked)
inline fence() { atomic { drain(0) } }
#endif
proctype Notifier(byte me) provided (!dead[me])
{
  byte v; byte sent = 0;
  do
  :: sent < M ->
     atomic { !pending[me] -> sent++; buffered[me] = sent; pending[me] = 1 };        /* N1: the store stands in the buffer */
  again:
     v = word;                                                                      /* N3: SYNC eventcount.dekker: may be read before the store is seen */
     if
     :: (v & 1) == 0 -> skip
     :: else ->
        atomic { if :: word == v -> drain(me); word = (v + 2) & 14 :: else -> goto again fi };  /* SYNC eventcount.death: a swap is a fence; a kill may follow */
        wakeAll()
     fi
  :: sent == M -> break
  od
}
active proctype Processor()
{
end:
  do
  :: atomic { pending[0] -> drain(0) }
#if NN > 1
  :: atomic { pending[1] -> drain(1) }
#endif
  od
}
active proctype Kernel() { if :: dead[0] = 1; marked = 1 :: skip fi }
/* Of each process that sleeps. */
proctype Watch()
{
  byte v;
end_watch:
  (marked);
#ifndef NODEATH
again:
  v = word;
  if
  :: (v & 1) != 0 -> atomic { if :: word == v -> word = (v + 2) & 14 :: else -> goto again fi }; wakeAll()
#ifndef NOWAKE
  :: else -> wakeAll()                                                              /* SYNC eventcount.death */
#else
  :: else -> skip
#endif
  fi
#endif
  skip
}
inline prepare(key) {
  atomic { word = word | 1; key = word };                                           /* S1 */
#ifndef NOFENCE
  fence()                                                                           /* S2: SYNC eventcount.dekker */
#else
  skip
#endif
}
#ifdef NOLOOKAGAIN
#define LOOK false
#else
#define LOOK OVER                                                                    /* S3 */
#endif
proctype Sleeper(byte me)
{
  byte key;
  do
  :: OVER -> break
  :: else ->
     prepare(key);
     if
     :: LOOK -> break
     :: else ->
        atomic { if :: word == key -> asleep[me] = 1 :: else fi };                   /* S4 */
        (!asleep[me])
     fi
  od;
  done[me] = 1
}
#ifdef SERVICE
proctype Asynchronous()
{
  byte key;
  do
  :: OVER -> break
  :: else ->
     prepare(key);
     if
     :: LOOK -> break
     :: else ->
        atomic { !gate -> gate = 1 };
        completed = 0; queuedKey = key; queued = 1;
#ifndef NOENTERLOOK
        if :: word != key -> queued = 0; completed = 1 :: else fi;                   /* SYNC eventcount.enter */
#endif
        gate = 0;
        (completed)
     fi
  od;
  done[NS] = 1
}
proctype Service()
{
  byte v; byte slept = 0;
  do
  :: atomic { !gate -> gate = 1 };
     v = word;
#ifdef SLEPTON
     if :: queued && slept != queuedKey -> queued = 0; completed = 1 :: else fi;
#else
     if :: queued && v != queuedKey -> queued = 0; completed = 1 :: else fi;         /* SYNC eventcount.enter */
#endif
     gate = 0;
     atomic { slept = v; if :: word == v -> asleep[NS] = 1 :: else fi };
end_service:
     (!asleep[NS])
  od
}
#endif
init {
  atomic {
    run Notifier(0);
#if NN > 1
    run Notifier(1);
#endif
    run Sleeper(0); run Watch();
#if NS > 1
    run Sleeper(1); run Watch();
#endif
#ifdef SERVICE
    run Asynchronous(); run Service()
#else
    done[NS] = 1
#endif
  };
  /* Nothing moves any more: all who slept have all that was sent, or know of the death. */
end_idle:
  (timeout);
  assert(done[0] && done[NS]);
#if NS > 1
  assert(done[1])
#endif
}
