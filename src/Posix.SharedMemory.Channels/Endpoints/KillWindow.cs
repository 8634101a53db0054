using System.Diagnostics;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// The steps of an end between which it may be killed, with the numbers of <c>PSM_WINDOW</c> in interop/psm_channel.h. Only tests compile them: with KILL_WINDOWS defined, and a body for
/// <see cref="Reach"/>. Otherwise nothing of it is left, not even the calls.
/// </summary>
internal static partial class KillWindow
{
    internal const int BeforeLeaving = 1, AfterLeaving = 2, AfterLeavingWasNotified = 3, AfterEntering = 4, BeforeGeneration = 5, AfterGeneration = 6, BeforeConsistent = 7, BeforeOpeningIsNotified = 8,
        BeforeHeader = 9, BeforeCounters = 10, BeforeIndex = 11, AfterIndex = 12, BeforeWait = 13, BeforeSleep = 14, BeforeError = 15, BeforeState = 16, AfterState = 17, InPayload = 20,
        BeforeMode = 21, AfterMode = 22, AfterPromise = 23, AfterHistory = 24, AfterLatest = 25, AfterLimit = 27;

    /// <summary>The steps of a fan-in's ends.</summary>
    internal const int BeforeClaim = 30, AfterClaim = 31, BeforePaddingIsNotified = 32, BeforeCommit = 33, AfterCommit = 34, BeforeReleasing = 36, AfterReleasing = 37, BetweenZeros = 38, BeforeHead = 39, AfterHead = 40,
        AfterSkipIsCounted = 41;

    /// <summary>The steps of a latest value's writer.</summary>
    internal const int AfterMark = 50, BeforeEven = 51, AfterEven = 52, BeforeNewest = 53, AfterNewest = 54;

    /// <summary>The steps of a frame channel's ends.</summary>
    internal const int AfterSlotHeader = 60, AfterEntry = 61, AfterPush = 62, AfterDropping = 63, AfterFrameIsCounted = 64, AfterTaking = 65, AfterReturnEntry = 66, AfterReturn = 67, AfterMoving = 68, InSettling = 69, AfterSucceeding = 70, BeforeSucceeding = 71;

    [Conditional("KILL_WINDOWS")]
    internal static void Pass(int window) => Reach(window);

    static partial void Reach(int window);
}
