# Mutants of the reader-writer lock.
/internal unsafe bool TryEnterReadFree/,/^    }/ {
  s/^( *)Count\(\);/\1if (!Mutant.Is("count after the look")) { Count(); }/
  s/\(uint\*\)_first\) == 0\)/(uint*)_first) == 0 \&\& Mutant.Does("count after the look", Count))/
  s/^( *)Uncount\(\);/\1if (!Mutant.Is("count after the look")) { Uncount(); }/
}
s/if \(IsOpen\(again, state\)\)/if (!Mutant.Is("no look after the gate") \&\& IsOpen(again, state))/
s/if \(\(gate & GateSleepers\) == 0\)/if ((gate \& GateSleepers) == 0 || Mutant.Is("the gate stays shut"))/
s/if \(left == 0 && /if (left == 0 \&\& !Mutant.Is("the last reader is silent") \&\& /
s/\|\| !_seat\.Memory\.IsAlive\(Participant\.Of\(number, incarnation\)\.Value, out var life, out var lifeValue\)\)/|| (!_seat.Memory.IsAlive(Participant.Of(number, incarnation).Value, out var life, out var lifeValue) \&\& !Mutant.Is("dead readers count")))/
