# Mutants of the mutex's word.
s/var waiters = state\.HasSlept \? LockLayout\.Waiters : value & LockLayout\.Waiters;/var waiters = Mutant.Is("enter without waiters") ? 0 : state.HasSlept ? LockLayout.Waiters : value \& LockLayout.Waiters;/
s/_seat\.Kernel\.ChangeAndWake\(_word, WordChange\.SetBit, 31, 1\) == 0/(Mutant.Is("wake before leaving") ? _seat.Kernel.Wake(_word, 1) + (int)(Interlocked.Exchange(ref *_word, LockLayout.Waiters) \& 0) : _seat.Kernel.ChangeAndWake(_word, WordChange.SetBit, 31, 1)) == 0/
s/_seat\.Memory\.ConfirmEnd\(owner\);/if (!Mutant.Is("take over without a fence")) { _seat.Memory.ConfirmEnd(owner); }/
