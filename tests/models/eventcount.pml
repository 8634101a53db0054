/* The event count: a sleeper and notifiers on a machine with store buffers. The notifier passes no fence of its own; the sleeper's fence is for both sides.
   The notifier may be killed anywhere; its death makes the sleeper look again. -DM=m messages.
   Mutants, each of which must fail: -DNOFENCE: the sleeper imposes no fence; -DNOLOOKAGAIN: it does not look again after its bit; -DNODEATH: a death is not told. */
#ifndef M
#define M 2
#endif
byte data = 0; byte word = 0;            /* word: bit 0 sleepers, the rest counts */
byte buffered = 0; bool pending = 0;     /* the notifier's store, not yet seen by others */
bool asleep = 0; bool killed = 0; bool marked = 0; bool done = 0; byte sent = 0;
active proctype Notifier() provided (!killed)
{
  byte v;
  do
  :: sent < M ->
     atomic { !pending -> sent++; buffered = sent; pending = 1 };                   /* N1: the store stands in the buffer */
  again:
     v = word;                                                                      /* N3: may be read before the store is seen */
     if
     :: (v & 1) == 0 -> skip
     :: else ->
        atomic { if :: word == v -> if :: pending -> data = buffered; pending = 0 :: else fi; word = (v + 2) & 254 :: else -> goto again fi };  /* a swap is a fence */
        atomic { asleep = 0 }
     fi
  :: sent == M -> break
  od
}
active proctype Buffer() { do :: atomic { pending -> data = buffered; pending = 0 } :: done && !pending -> break od }
active proctype Kernel() { if :: atomic { killed = 1 } ; atomic { marked = 1; 
#ifndef NODEATH
  word = (word + 2) & 254; asleep = 0
#endif
  } :: skip fi }
active proctype Sleeper()
{
  byte seen = 0; byte key;
  do
  :: seen == M || (marked && !pending && data == seen) -> break
  :: else ->
     if
     :: data != seen -> seen = data
     :: else ->
        atomic { word = word | 1; key = word };                                     /* S1 */
#ifndef NOFENCE
        atomic { if :: pending -> data = buffered; pending = 0 :: else fi };          /* S2: SYNC eventcount.dekker */
#endif
#ifndef NOLOOKAGAIN
        if :: data != seen || (marked && data == seen) -> skip                       /* S3 */
        :: else ->
#endif
           atomic { if :: word == key -> asleep = 1 :: else fi };                     /* S4 */
           (!asleep)
#ifndef NOLOOKAGAIN
        fi
#endif
     fi
  od;
  done = 1
}
active proctype Idle() { end_idle: (timeout); assert(done) }   /* nothing moves any more: the sleeper has all that was sent, or knows of the death */
