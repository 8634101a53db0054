using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Threading;

/// <summary>The guards of this process: one for all its rosters, further ones where the rosters are many, and those that serve one roster alone.</summary>
internal sealed class Guards
{
    private static readonly ConditionalWeakTable<Kernel, Guards> s_all = [];

    private readonly WaitService _service;
    private Guard? _shared;

    private Guards(WaitService service) => _service = service;

    internal static Guards Of(Kernel kernel) => s_all.GetValue(kernel, static kernel => new(kernel.Service));

    /// <summary>The guard for one more roster.</summary>
    /// <param name="own">It serves that roster alone.</param>
    internal Guard Take(bool own)
    {
        lock (_service.Gate)
        {
            if (own)
            {
                return new Guard(_service, isShared: false);
            }

            // The kernel reads no more than 2,048 entries of one list; a further guard comes long before.
            if (_shared is null || _shared.Count >= Guard.MostSeats)
            {
                _shared = new Guard(_service, isShared: true);
                _service.Add(_shared.Thread);
            }

            _shared.Count++;
            return _shared;
        }
    }

    /// <summary>One roster less.</summary>
    internal void Release(Guard guard)
    {
        if (!guard.IsShared)
        {
            guard.Thread.Stop();
            return;
        }

        lock (_service.Gate)
        {
            guard.Count--;
        }
    }
}
