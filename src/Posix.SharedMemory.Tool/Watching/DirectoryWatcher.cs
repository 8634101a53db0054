namespace Posix.SharedMemory.Tool;

/// <summary>Reports which objects appear, disappear and are renamed.</summary>
internal static class DirectoryWatcher
{
    internal static void Run(EventPrinter printer, TimeSpan interval, CancellationToken ended)
    {
        using var events = new NameEvents(interval);
        printer.Print(new() { Time = TimeProvider.System.GetUtcNow(), Event = "started", Objects = events.Start() });
        while (!printer.IsEnough)
        {
            var change = events.Next(ended);
            var entry = change.Kind == SharedMemoryChangeKind.Removed ? null : SharedMemoryDirectory.Find(change.NameBytes.Span);
            printer.Print(new()
            {
                Time = TimeProvider.System.GetUtcNow(),
                Event = change.Kind switch
                {
                    SharedMemoryChangeKind.Added => "added",
                    SharedMemoryChangeKind.Removed => "removed",
                    _ => "renamed",
                },
                Name = NameText.Raw(change.NameBytes.Span),
                Escaped = NameText.EscapedOrNull(change.NameBytes.Span),
                OldName = change.OldNameBytes.IsEmpty ? null : NameText.Raw(change.OldNameBytes.Span),
                OldEscaped = NameText.EscapedOrNull(change.OldNameBytes.Span),
                // If it is gone again by now, these are left out.
                Length = entry?.Length,
                Mode = entry is null ? null : ModeText.Octal(entry.Permissions),
                Owner = entry is null ? null : Accounts.Users.NameOf(entry.UserId),
            });
        }
    }
}
