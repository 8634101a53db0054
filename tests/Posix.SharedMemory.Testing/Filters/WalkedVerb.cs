namespace Posix.SharedMemory.Testing;

/// <summary>A public operation in front of which every call is refused in turn.</summary>
/// <param name="Name">What the walk calls it.</param>
/// <param name="Members">The public members it runs, such as <c>SharedMemoryObject.Create</c>.</param>
/// <param name="Arrange">Makes what must be there before; its result is handed to <paramref name="Act"/>.</param>
/// <param name="Act">The operation. What it returns must be the same behind a filter, unless the operation throws.</param>
internal sealed record WalkedVerb(string Name, string[] Members, Func<FaultScene, object?> Arrange, Func<FaultScene, object?, object?> Act);
