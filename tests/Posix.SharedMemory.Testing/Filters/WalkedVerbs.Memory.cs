using System.Diagnostics.CodeAnalysis;
using System.IO.Pipes;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Testing;

/// <summary>Bytes, mappings and regions.</summary>
[SuppressMessage("Style", "IDE0058", Justification = "What an act returns is compared where it matters.")]
internal static partial class WalkedVerbs
{
    private static IEnumerable<WalkedVerb> Bytes()
    {
        yield return Verb("Read", ["SharedMemoryObject.Read"], Filled, scene => Read(scene.Memory));
        yield return Verb("Write", ["SharedMemoryObject.Write"], scene => scene.Create(Length), scene => Done(() => scene.Memory.Write(Pattern.Of(Length - 1), 1)));
        yield return Verb("Write into a hole", ["SharedMemoryObject.Write"], scene => scene.Create(9 * 4096, Backing.Sparse), scene => Done(() => scene.Memory.Write(Pattern.Of(20_000), 5000)));
        yield return Verb("CopyTo a file", ["SharedMemoryObject.CopyTo"], InAndOut, (scene, file) =>
        {
            var copied = scene.Memory.CopyTo(file.Handle);
            return () => $"{copied} {file.Digest()}";
        });
        yield return Verb("CopyFrom a file", ["SharedMemoryObject.CopyFrom"], InAndOut, (scene, file) =>
        {
            var copied = scene.Memory.CopyFrom(file.Handle);
            return () => $"{copied} {Read(scene.Memory)}";
        });
        yield return Verb("CopyTo a pipe", ["SharedMemoryObject.CopyTo"], Filled, scene =>
        {
            using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
            return $"{scene.Memory.CopyTo(pipe.SafePipeHandle)}";
        });
        yield return Verb("CopyFrom a pipe", ["SharedMemoryObject.CopyFrom"], scene =>
        {
            scene.Create(Length);
            var (reader, writer) = Native.Pipe();
            using var into = new FileStream(writer, FileAccess.Write);
            into.Write(Pattern.Of(Length));
            return scene.Keep(reader);
        }, (scene, reader) =>
        {
            var copied = scene.Memory.CopyFrom(reader);
            return () => $"{copied} {Read(scene.Memory)}";
        });
        yield return Verb("CopyToAsync", ["SharedMemoryObject.CopyToAsync"], scene =>
        {
            Filled(scene);
            return scene.Keep(new SocketPair());
        }, (scene, pair) => $"{scene.Memory.CopyToAsync(pair.Sender).AsTask().GetAwaiter().GetResult()}");
    }

    private static IEnumerable<WalkedVerb> Mappings()
    {
        yield return Verb("Map", ["SharedMemoryObject.Map"], Filled, scene => scene.Keep(scene.Memory.Map()));
        yield return Verb(
            "Map with options", ["SharedMemoryObject.Map"], Filled,
            scene => scene.Keep(scene.Memory.Map(new() { AddressSpace = 1 << 24, AdviseHugePages = true, Populate = true })));
        yield return Verb("Map a private part", ["SharedMemoryObject.Map"], Filled, scene => scene.Keep(scene.Memory.Map(4096, 100, new() { Private = true })));
        yield return Mapped("Dispose of a mapping", ["MemoryMapping.Dispose"], mapping => Done(mapping.Dispose));
        foreach (var advice in new[] { MemoryAdvice.WillNeed, MemoryAdvice.DontDump, MemoryAdvice.HugePages, MemoryAdvice.Cold })
        {
            yield return Mapped($"Advise {advice}", ["MemoryMapping.Advise"], mapping => Done(() => mapping.Advise(advice)));
        }

        yield return Mapped("CollapseToHugePages", ["MemoryMapping.CollapseToHugePages"], mapping => $"{mapping.CollapseToHugePages()}");
        yield return Mapped("Flush", ["MemoryMapping.Flush"], mapping => Done(() => mapping.Flush()));
        yield return Mapped("LockInMemory", ["MemoryMapping.LockInMemory"], mapping => Done(() => mapping.LockInMemory()));
        yield return Mapped("UnlockFromMemory", ["MemoryMapping.UnlockFromMemory"], mapping => Done(() => mapping.UnlockFromMemory()));
        yield return Mapped("Prefault", ["MemoryMapping.Prefault"], mapping => Done(() => mapping.Prefault()));
        yield return Mapped("Protect", ["MemoryMapping.Protect"], mapping =>
        {
            mapping.Protect(FileAccess.Read);
            return $"{mapping.Access}";
        });
        yield return Mapped("IsStable", ["MemoryMapping.IsStable"], mapping => $"{mapping.IsStable}");
        yield return Verb("Refresh", ["MemoryMapping.Refresh"], scene =>
        {
            Filled(scene);
            var mapping = scene.Keep(scene.Memory.Map(new() { AddressSpace = 1 << 24 }));
            scene.Memory.SetLength(9 * 4096);
            return mapping;
        }, (_, mapping) => $"{mapping.Refresh()} {Describe(mapping)}");
        foreach (var isPrivate in new[] { false, true })
        {
            var options = new MappingOptions { Private = isPrivate };
            yield return Mapped($"TryRead{(isPrivate ? " private" : "")}", ["MemoryMapping.TryRead"], mapping =>
            {
                var bytes = new byte[4000];
                return $"{mapping.TryRead(500, bytes)} {Convert.ToHexString(bytes.AsSpan(0, 8))}";
            }, options);
            yield return Mapped($"TryWrite{(isPrivate ? " private" : "")}", ["MemoryMapping.TryWrite"], mapping => $"{mapping.TryWrite(500, Pattern.Of(4000))} {mapping.GetReadOnlySpan()[600]}", options);
        }
    }

    private static IEnumerable<WalkedVerb> Regions()
    {
        foreach (var cleanup in Enum.GetValues<FileCleanup>())
        {
            yield return Verb($"Create a region {cleanup}", ["MappedRegion.Create"], scene => scene.Keep(MappedRegion.Create(scene.Other.Path, Length, cleanup)));
        }

        yield return Verb(
            "Create a region in place of another", ["MappedRegion.Create"], scene => scene.Occupy(),
            scene => scene.Keep(MappedRegion.Create(scene.Other.Path, Length, FileCleanup.OnDispose, new() { OnConflict = NameConflict.Replace, AddressSpace = 1 << 24 })));
        yield return Verb("Attach", ["MappedRegion.Attach"], scene => scene.Occupy(), scene => scene.Keep(MappedRegion.Attach(scene.Other.Path)));
        yield return Verb("Attach a handle", ["MappedRegion.Attach"], scene => scene.Create(Length), scene => scene.Keep(MappedRegion.Attach(scene.Memory.SafeFileHandle, Length)));
        yield return Region("Dispose of a region", ["MappedRegion.Dispose"], region => Done(region.Dispose));
        yield return Region("Resize", ["MappedRegion.Resize"], region =>
        {
            region.Resize(30_000);
            return Describe(region);
        });
        yield return Region("SetLength of a region", ["MappedRegion.SetLength"], region =>
        {
            region.SetLength(30_000);
            return Describe(region);
        });
        yield return Region("CheckAndRemap", ["MappedRegion.CheckAndRemap"], region => $"{region.CheckAndRemap()} {Describe(region)}");
        yield return Region("Refresh of a region", ["MappedRegion.Refresh"], region => $"{region.Refresh()} {Describe(region)}");
        yield return Region("ReleaseOwnership", ["MappedRegion.ReleaseOwnership"], region => Done(region.ReleaseOwnership));
        yield return Verb("TakeOwnership", ["MappedRegion.TakeOwnership"], scene =>
        {
            var region = scene.Keep(MappedRegion.Create(scene.Other.Path, Length, FileCleanup.OnDispose));
            region.ReleaseOwnership();
            return region;
        }, (_, region) => Done(region.TakeOwnership));
        yield return Verb("RemoveAbandonedTemporaries", ["MappedRegion.RemoveAbandonedTemporaries"], scene =>
        {
            // The other name becomes a directory, in which a publisher that was killed has left its name, and another one a link.
            var directory = Directory.CreateDirectory(scene.Other.Path).FullName;
            File.WriteAllText(Path.Combine(directory, PublishingName.Make()), "left");
            File.CreateSymbolicLink(Path.Combine(directory, "left"), ".//" + PublishingName.Make());
            return directory;
        }, (_, directory) => $"{MappedRegion.RemoveAbandonedTemporaries(directory).Count}");
    }

    private static WalkedVerb Mapped(string name, string[] members, Func<MemoryMapping, object?> act, MappingOptions? options = null) => Verb(
        name, members,
        scene =>
        {
            Filled(scene);
            return scene.Mapping = scene.Keep(scene.Memory.Map(options));
        },
        (_, mapping) => act(mapping));

    private static WalkedVerb Region(string name, string[] members, Func<MappedRegion, object?> act) => Verb(
        name, members, scene => scene.Keep(MappedRegion.Create(scene.Other.Path, Length, FileCleanup.OnDispose, new() { AddressSpace = 1 << 24 })), (_, region) => act(region));

    private static void Filled(FaultScene scene)
    {
        scene.Create(Length);
        scene.Memory.Write(Pattern.Of(Length), 0);
    }

    private static CopiedFile InAndOut(FaultScene scene)
    {
        Filled(scene);
        var file = scene.Keep(new CopiedFile());
        RandomAccess.Write(file.Handle, Pattern.Of(Length), 0);
        return file;
    }

    private static string Read(SharedMemoryObject memory)
    {
        var bytes = new byte[Length + 10];
        var count = memory.Read(bytes, 0);
        return $"{count} {bytes.AsSpan(0, count).SequenceEqual(Pattern.Of(count))}";
    }

    private static string Describe(MemoryMapping mapping) => $"{mapping.Offset} {mapping.Length} {mapping.Access}";

    private static string Describe(MappedRegion region) => $"{region.Length} {region.OwnsFile} {Describe(region.Mapping)}";

    /// <summary>A file to copy to and from.</summary>
    private sealed class CopiedFile : IDisposable
    {
        private readonly TemporaryFile _file = new();

        internal CopiedFile() => Handle = Native.Open(_file.Path, Native.O_RDWR | Native.O_CREAT);

        internal SafeFileHandle Handle { get; }

        internal string Digest() => $"{File.ReadAllBytes(_file.Path).AsSpan().SequenceEqual(Pattern.Of(Length))}";

        public void Dispose()
        {
            Handle.Dispose();
            _file.Dispose();
        }
    }
}
