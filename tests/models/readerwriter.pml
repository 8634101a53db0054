/* Readers' counters and the writer's word: Dekker with gates, one writer and two readers that may be killed.
   Mutants, each of which must fail: -DNOCHECK: a reader does not look at the word after it counted; -DNOGATE: it does not look again after its gate bit;
   -DNOBUMP: the writer does not open the gate. */
byte writer = 0; bool inconsistent = 0; byte count[3] = 0; bool alive[3] = 1; byte gate = 0; bool gatebit = 0; bool drainedAsleep = 0; bool gateAsleep[3] = 0;
bool reading[3] = 0; bool writing = 0; byte kills = 0;
inline leaveCount(me) { atomic { count[me]--; if :: writer != 0 && count[me] == 0 -> drainedAsleep = 0 :: else fi } }
proctype Reader(byte me) provided (alive[me])
{
  byte n = 0; byte g;
  do
  :: n == 2 -> break
  :: else ->
     atomic { count[me]++ };                                  /* readerwriter.dekker */
#ifndef NOCHECK
     if
     :: writer != 0 ->
        leaveCount(me);
        atomic { gatebit = 1; g = gate };                       /* readerwriter.gate */
#ifndef NOGATE
        if :: writer == 0 -> skip :: else ->
#endif
           atomic { if :: gate == g && gatebit -> gateAsleep[me] = 1 :: else fi };
           (!gateAsleep[me])
#ifndef NOGATE
        fi
#endif
     :: else ->
#endif
        reading[me] = 1; assert(!writing); reading[me] = 0;
        leaveCount(me); n++
#ifndef NOCHECK
     fi
#endif
  od
}
proctype Writer()
{
  byte n = 0;
  do
  :: n == 2 -> break
  :: else ->
     writer = 3;
     do
     :: atomic { (count[1] == 0 || !alive[1]) && (count[2] == 0 || !alive[2]) -> break }
     :: atomic { else -> drainedAsleep = 1 }; (!drainedAsleep)
     od;
     writing = 1; assert(!(reading[1] && alive[1]) && !(reading[2] && alive[2])); writing = 0;
     writer = 0;
#ifndef NOBUMP
     atomic { if :: gatebit -> gate++; gatebit = 0; gateAsleep[1] = 0; gateAsleep[2] = 0 :: else fi };
#endif
     n++
  od
}
init { atomic { run Reader(1); run Reader(2); run Writer() };
  if :: atomic { alive[1] = 0; gateAsleep[1] = 0; reading[1] = 0; drainedAsleep = 0 } :: skip fi;
end_idle: (timeout); assert(!(gateAsleep[2] && alive[2]) && !drainedAsleep && !(gateAsleep[1] && alive[1])) }
