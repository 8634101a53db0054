namespace Guards;

/// <summary>Something to fix, at a line of a file; or, as a note, to know.</summary>
internal sealed record Finding(string Path, int Line, string What, bool IsNote = false);
