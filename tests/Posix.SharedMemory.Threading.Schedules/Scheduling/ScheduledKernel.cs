namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>For actors, the futexes and fences of the scheduler; for all other threads, those of Linux.</summary>
internal sealed unsafe class ScheduledKernel : LinuxKernel
{
    internal override bool RegisterForFences()
    {
        _ = base.RegisterForFences();
        // The scheduler's fences reach everybody.
        return true;
    }

    internal override bool FenceAll()
    {
        if (Actor.Current is not { } actor)
        {
            return base.FenceAll();
        }

        actor.Point("fence all", "", 0, 0);
        actor.Schedule.FenceAll();
        return true;
    }

    internal override bool Sleep(ref SleepList list, long deadline)
    {
        if (Actor.Current is not { } actor)
        {
            return base.Sleep(ref list, deadline);
        }

        actor.Point("sleep", "", (nuint)list.Entries[0].uaddr, list.Entries[0].val);
        actor.Drain();
        if (actor.Schedule.IsOver || actor.Schedule.WakesWithoutCause())
        {
            return true;
        }

        List<(nuint Key, uint Value)> words = [];
        foreach (ref var entry in list.Entries)
        {
            if (*(uint*)entry.uaddr != (uint)entry.val)
            {
                return true;
            }

            words.Add((actor.Schedule.Arena.KeyOf((nuint)entry.uaddr), (uint)entry.val));
        }

        return actor.Schedule.Sleep(actor, words, deadline);
    }

    internal override int Wake(uint* word, int count, bool isPrivate = false)
    {
        if (Actor.Current is not { } actor)
        {
            return base.Wake(word, count, isPrivate);
        }

        actor.Point("wake", "", (nuint)word, (ulong)count);
        actor.Drain();
        return actor.Schedule.Wake(actor.Schedule.Arena.KeyOf((nuint)word), count);
    }

    internal override int ChangeAndWake(uint* word, WordChange change, int argument, int count)
    {
        if (Actor.Current is not { } actor)
        {
            return base.ChangeAndWake(word, change, argument, count);
        }

        actor.Point($"{change} and wake", "", (nuint)word, (ulong)argument);
        actor.Drain();
        *word = change switch
        {
            WordChange.SetBit => 1u << argument,
            WordChange.Add => *word + (uint)argument,
            _ => *word | (uint)argument,
        };
        return actor.Schedule.Wake(actor.Schedule.Arena.KeyOf((nuint)word), count);
    }
}
