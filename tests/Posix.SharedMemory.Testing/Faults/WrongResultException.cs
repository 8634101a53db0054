namespace Posix.SharedMemory.Testing;

/// <summary>An operation under test said that it had succeeded, and had not done what it is for.</summary>
/// <param name="what">What was to hold.</param>
internal sealed class WrongResultException(string what) : Exception($"This was to hold, and does not: {what}.");
