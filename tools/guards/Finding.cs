namespace Guards;

/// <summary>Something to fix, at a line of a file.</summary>
internal sealed record Finding(string Path, int Line, string What);
