namespace Posix.SharedMemory.Tool;

/// <summary>A column of a table.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="IsNumber">Whether it is aligned to the right.</param>
/// <param name="Spare">Where a terminal is too narrow for all columns, the one with the largest number is left out first; a column with 0 always stays.</param>
internal readonly record struct Column(string Title, bool IsNumber = false, int Spare = 0);
