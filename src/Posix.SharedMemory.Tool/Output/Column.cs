namespace Posix.SharedMemory.Tool;

/// <summary>A column of a table.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="IsNumber">Whether it is aligned at its right.</param>
/// <param name="IsSpare">Whether it is left out where a terminal is too narrow for all of them.</param>
internal readonly record struct Column(string Title, bool IsNumber = false, bool IsSpare = false);
