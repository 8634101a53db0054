using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>A process that holds an object, as JSON.</summary>
internal sealed record HolderFacts(
    int Pid, uint? Uid, string? User, string Command, IReadOnlyList<string> CommandLine, string Access, IReadOnlyList<MappingFacts> Mappings, IReadOnlyList<DescriptorFacts> Descriptors)
{
    internal static HolderFacts Of(SharedMemoryHolder holder) => new(
        holder.ProcessId,
        holder.UserId,
        holder.UserId is { } user ? Accounts.Users.NameOf(user) : null,
        holder.Command,
        holder.CommandLine,
        AccessText(holder.Access),
        [.. holder.Mappings.Select(held => new MappingFacts(
            string.Create(CultureInfo.InvariantCulture, $"0x{held.Address:x}"), held.Length, held.Offset, AccessText(held.Access), held.IsPrivate))],
        [.. holder.Descriptors.Select(held => new DescriptorFacts(held.Number, AccessText(held.Access)))]);

    internal static string AccessText(FileAccess access) => access.HasFlag(FileAccess.Write) ? "rw" : "r";
}

/// <summary>A mapping in a process, as JSON.</summary>
internal sealed record MappingFacts(string Address, long Length, long Offset, string Access, bool Private);

/// <summary>A descriptor in a process, as JSON.</summary>
internal sealed record DescriptorFacts(int Number, string Access);
