# Mutants of the plain semaphore.
s/\(state\.HasSlept \? Waiters : 0\)/(state.HasSlept \&\& !Mutant.Is("take without waiters") ? Waiters : 0)/
s/^( *)Kernel\.Wake\(_word, int\.MaxValue\);/\1if (!Mutant.Is("no second wake")) { Kernel.Wake(_word, int.MaxValue); }/
