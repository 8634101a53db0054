namespace Posix.SharedMemory.Threading;

/// <summary>The end of one participant, as something that can be waited for.</summary>
internal sealed class ParticipantEnd(Seat seat, Participant participant) : IWaitTarget<bool>, ISharedWaitable
{
    public News News => seat.News;

    IWaitTarget ISharedWaitable.Target => this;

    Kernel ISharedWaitable.Kernel => seat.Kernel;

    public unsafe WaitOutcome Attempt(ref WaitState state, ref SleepList list)
    {
        seat.Require();
        if ((participant.Value & Participant.Mark) == 0 || !seat.Memory.IsAlive(participant.Value, out var life, out var value))
        {
            return WaitOutcome.Taken;
        }

        if (state.IsLook && seat.Memory.Witness(participant.Value))
        {
            return WaitOutcome.Taken;
        }

        // SAFETY: an address is handed on; the seat lies in bytes that the roster holds.
        list.AddLife(life, value);
        return WaitOutcome.Pending;
    }

    // Nothing is handed on: all sleepers of a life are woken.
    public WaitOutcome GiveUp(ref WaitState state) => WaitOutcome.Pending;

    public void BeforeSleep() => seat.Watch.Start();

    public bool Finish(WaitOutcome outcome, ref WaitState state) => outcome == WaitOutcome.Taken;
}
