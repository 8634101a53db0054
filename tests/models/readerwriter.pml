/* Readers' counters and the writer's word: Dekker with gates, drained and deaths. Readers 1 and 2, writers 3 and 4; any of 1, 3 and 4 may be killed at any instant, MAXK of them.
   How writers sleep on their word is left to mutex.pml: here they get it when it is free, or its owner is dead. A look of a second comes when nothing else can happen; two suffice.
   -DONEREADER, -DONEWRITER: without reader 2, writer 4.
   Mutants, each of which must fail: -DONEREADER -DNOCHECK: a reader does not look at the word after it counted; -DONEREADER -DNOPASS: a writer waits for dead readers too;
   -DONEREADER -DNOTELL: who takes over does not mark the work of the dead one; -DONEREADER -DNOLOOK: nobody looks after a second. With -DONEWRITER -DNOLOOK, which holds without more:
   -DMAXK=0 -DNOGATE: a reader does not look again after its gate bit; -DMAXK=0 -DNOBUMP: the writer does not open the gate; -DNOLIFE: sleeping readers do not watch the writer's life. */
#ifndef MAXK
#define MAXK 1
#endif
#ifndef R
#define R 1
#endif
byte owner = 0; bool inconsistent = 0;          /* one word */
byte count[5]; byte gate = 0; bool gatebit = 0; byte drained = 0;
bool alive[5] = 1; bool gateAsleep[5]; bool drainAsleep[5]; byte watch[5];  /* the life that is slept on as well */
bool reading[5]; bool writing[5]; bool torn = 0; byte kills = 0;            /* torn is a ghost: a writer died inside */
#define DEAD(x) (x != 0 && !alive[x])
/* Two steps: the process may be killed after the first. */
inline openGate() {
#ifndef NOBUMP
  atomic { if :: gatebit -> gate = (gate + 1) % 4; gatebit = 0; b = 1 :: else b = 0 fi };   /* readerwriter.gate */
  if :: b -> atomic { gateAsleep[1] = 0; gateAsleep[2] = 0; b = 0 } :: else fi
#else
  skip
#endif
}
inline leaveCount() {
  count[me]--;
  if                                                                                        /* readerwriter.dekker */
  :: owner != 0 && count[me] == 0 -> atomic { drained = (drained + 1) % 4; drainAsleep[3] = 0; drainAsleep[4] = 0 }
  :: else
  fi
}
proctype Reader(byte me) provided (alive[me])
{
  byte n = 0; byte g; byte o; bool i; bool b;
  do
  :: n == R -> break
  :: else ->
     count[me]++;                                                                           /* readerwriter.dekker */
     atomic { o = owner; i = inconsistent };
#ifdef NOCHECK
     o = 0; i = 0;
#endif
     if
     :: o == 0 && !i ->
        reading[me] = 1; assert(!(writing[3] && alive[3]) && !(writing[4] && alive[4]) && !torn); reading[me] = 0;
        leaveCount(); n++
     :: o == 0 && i -> leaveCount(); n++                                                    /* told of a death */
     :: DEAD(o) ->
        leaveCount();
        atomic { if :: owner == o -> owner = me; inconsistent = 1; b = 1 :: else b = 0 fi };
        if :: b -> owner = 0; openGate() :: else fi
     :: o != 0 && !DEAD(o) ->
        leaveCount();
        atomic { gatebit = 1; g = gate };                                                   /* readerwriter.gate */
#ifndef NOGATE
        o = owner;
        if :: o == 0 || DEAD(o) -> skip :: else ->
#endif
#ifdef NOLIFE
           atomic { if :: gate == g && gatebit -> gateAsleep[me] = 1 :: else fi };
           (!gateAsleep[me])
#else
           atomic { if :: gate == g && gatebit && !DEAD(o) -> gateAsleep[me] = 1; watch[me] = o :: else fi };
           atomic { !gateAsleep[me] -> watch[me] = 0 }
#endif
#ifndef NOGATE
        fi
#endif
     fi
  od
}
proctype Writer(byte me) provided (alive[me])
{
  byte n = 0; byte d; byte r; bool t; bool b;
  do
  :: n == R -> break
  :: else ->
     if
     :: atomic { owner == 0 -> owner = me; t = inconsistent }
     :: atomic { DEAD(owner) -> owner = me;                                                 /* mutex.confirm */
#ifndef NOTELL
          inconsistent = 1;
#endif
          t = inconsistent }
     fi;
     do
     :: d = drained; r = 1;                                                                 /* readerwriter.dekker */
#ifdef NOPASS
        if :: count[1] != 0 -> skip :: else r = 2; if :: count[2] != 0 -> skip :: else r = 0 fi fi;
        if
        :: r == 0 -> break
        :: else -> atomic { if :: drained == d -> drainAsleep[me] = 1 :: else fi }; (!drainAsleep[me])
        fi
#else
        if :: count[1] != 0 && alive[1] -> skip :: else r = 2; if :: count[2] != 0 && alive[2] -> skip :: else r = 0 fi fi;
        if
        :: r == 0 -> break
        :: else ->
           atomic { if :: drained == d && alive[r] -> drainAsleep[me] = 1; watch[me] = r :: else fi };
           atomic { !drainAsleep[me] -> watch[me] = 0 }
        fi
#endif
     od;
     writing[me] = 1;
     assert(!(reading[1] && alive[1]) && !(reading[2] && alive[2]) && !(writing[7 - me] && alive[7 - me]) && (!torn || t));
     if :: t -> atomic { torn = 0; inconsistent = 0 } :: else fi;
     writing[me] = 0;
     owner = 0; t = 0;
     openGate(); n++
  od
}
inline die(x) {
  atomic {
    alive[x] = 0; if :: writing[x] -> torn = 1 :: else fi; gateAsleep[x] = 0; drainAsleep[x] = 0;
    if :: watch[1] == x -> gateAsleep[1] = 0 :: else fi; if :: watch[2] == x -> gateAsleep[2] = 0 :: else fi;
    if :: watch[3] == x -> drainAsleep[3] = 0 :: else fi; if :: watch[4] == x -> drainAsleep[4] = 0 :: else fi;
    kills++
  }
}
#define STRANDED ((gateAsleep[1] && alive[1]) || gateAsleep[2] || (drainAsleep[3] && alive[3]) || (drainAsleep[4] && alive[4]))
init { byte looks = 0;
  atomic {
    run Reader(1);
#ifndef ONEREADER
    run Reader(2);
#endif
    run Writer(3);
#ifndef ONEWRITER
    run Writer(4)
#endif
  };
  do
  :: kills < MAXK && alive[1] -> die(1)
  :: kills < MAXK && alive[3] -> die(3)
  :: kills < MAXK && alive[4] -> die(4)
  :: break
  od;
end_idle:
  do
  :: atomic { timeout && STRANDED ->
#ifdef NOLOOK
       assert(false)
#else
       assert(looks < 2); looks++; gateAsleep[1] = 0; gateAsleep[2] = 0; drainAsleep[3] = 0; drainAsleep[4] = 0
#endif
     }
  od }
