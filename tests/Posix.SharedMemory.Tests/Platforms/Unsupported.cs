using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Platforms;

public sealed class Unsupported
{
    /// <summary>Every public static act, by its signature: one that is added must be added here.</summary>
    private static readonly Dictionary<string, Action> s_acts = new(StringComparer.Ordinal)
    {
        ["Open"] = () => SharedMemoryObject.Open("a").Dispose(),
        ["TryOpen"] = () => SharedMemoryObject.TryOpen("a", FileAccess.Read, out _),
        ["OpenWhenReadyAsync"] = () => SharedMemoryObject.OpenWhenReadyAsync("a").AsTask().GetAwaiter().GetResult().Dispose(),
        ["Exists"] = () => SharedMemoryObject.Exists("a"),
        ["Create"] = () => SharedMemoryObject.Create("a", 1).Dispose(),
        ["OpenOrCreate"] = () => SharedMemoryObject.OpenOrCreate("a", 1, out _).Dispose(),
        ["CreateAnonymous"] = () => SharedMemoryObject.CreateAnonymous(1).Dispose(),
        ["CreateUnpublished"] = () => SharedMemoryObject.CreateUnpublished(1).Dispose(),
        ["FromHandle"] = FromHandle,
        ["Unlink"] = () => SharedMemoryObject.Unlink("a"),
        ["TryUnlink"] = () => SharedMemoryObject.TryUnlink("a"),
        ["Rename"] = () => SharedMemoryObject.Rename("a", "b"),
        ["Enumerate"] = () => _ = SharedMemoryDirectory.Enumerate().Any(),
        ["Watch"] = () => SharedMemoryDirectory.Watch().Dispose(),
        ["GetUsage"] = () => SharedMemoryDirectory.GetUsage(),
        ["GetMemoryLimit"] = () => SharedMemoryDirectory.GetMemoryLimit(),
        ["GetHolders"] = () => SharedMemoryDirectory.GetHolders("a"),
        ["SendHandlesAsync"] = () => WithSockets(pair => pair.Sender.SendHandlesAsync(new byte[1], []).AsTask()),
        ["ReceiveHandlesAsync"] = () => WithSockets(pair => pair.Receiver.ReceiveHandlesAsync(new byte[1], 1).AsTask()),
        ["GetPeerCredentials"] = () => WithSockets(pair => Task.FromResult(pair.Sender.GetPeerCredentials())),
        ["SendObjectAsync"] = SendObject,
        ["ReceiveObjectAsync"] = () => WithSockets(pair => pair.Receiver.ReceiveObjectAsync().AsTask()),
        ["SetInheritable"] = () => WithHandle(handle => HandleInheritance.SetInheritable(handle, true)),
        ["Start"] = () => WithHandle(handle => HandleInheritance.Start(new ProcessStartInfo("true"), handle).Dispose()),
        ["Find"] = () => SharedMemoryDirectory.Find("a"u8),
        ["IndexHolders"] = () => SharedMemoryDirectory.IndexHolders(),
        ["EnumerateUnnamed"] = () => _ = SharedMemoryDirectory.EnumerateUnnamed().Count,
        ["OpenDescriptor"] = () => SharedMemoryDirectory.OpenDescriptor(1, 1).Dispose(),
    };

    public static TheoryData<string> Acts => [.. s_acts.Keys];

    [Theory]
    [MemberData(nameof(Acts))]
    [Rule("errors.unsupported")]
    public void Every_entry_point_throws_and_says_what_to_use_instead(string act)
    {
        using (Platform.Substitute(Platform.None()))
        {
            var refusal = Assert.Throws<PlatformNotSupportedException>(s_acts[act]);
            Assert.Contains("System.IO.MemoryMappedFiles", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(typeof(SharedMemoryObject))]
    [InlineData(typeof(MappedRegion))]
    [InlineData(typeof(SharedMemoryDirectory))]
    [InlineData(typeof(DescriptorPassing))]
    [InlineData(typeof(HandleInheritance))]
    [Rule("errors.windows")]
    public void The_compiler_warns_a_portable_program_that_this_does_not_run_on_Windows(Type type) => Assert.Equal(
        "windows", Assert.Single(type.GetCustomAttributes<System.Runtime.Versioning.UnsupportedOSPlatformAttribute>()).PlatformName);

    [Fact]
    [Rule("errors.unsupported")]
    public void Every_entry_point_is_tested_here()
    {
        var ways = new[] { typeof(SharedMemoryObject), typeof(SharedMemoryDirectory), typeof(DescriptorPassing), typeof(HandleInheritance) }
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Select(method => method.Name)
            .Where(name => name != nameof(SharedMemoryObject.CreateUniqueName));
        Assert.Equal(s_acts.Keys.Order(StringComparer.Ordinal), ways.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    [Fact]
    [Rule("errors.unsupported")]
    public void Names_and_options_work_on_every_system()
    {
        using (Platform.Substitute(Platform.None()))
        {
            Assert.StartsWith("a-", SharedMemoryObject.CreateUniqueName("a"), StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => SharedMemoryObject.Open("a/b"));
            Assert.Equal(Backing.Reserved, new SharedMemoryOptions().Backing);
            Assert.Equal("ENOENT", Errno.ENOENT.ToString());
        }
    }

    [Fact]
    [Rule("errors.unsupported")]
    public void Entries_and_descriptors_throw_too()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 1).Dispose();
        var entry = SharedMemoryDirectory.Enumerate().Single(entry => entry.Name == name.Name);
        using (Platform.Substitute(Platform.None()))
        {
            Assert.Throws<PlatformNotSupportedException>(entry.Unlink);
            Assert.Throws<PlatformNotSupportedException>(() => entry.SetPermissions(UnixFileMode.UserRead));
            Assert.Throws<PlatformNotSupportedException>(() => entry.Open());
        }

        Assert.True(name.Exists);
    }

    [Fact]
    [Rule("errors.unsupported")]
    public void Every_verb_throws_on_an_unsupported_system()
    {
        var platform = Platform.None();
        object[] roles = [platform.Names, platform.Backing, platform.Mapping, platform.Seals, platform.Membership, platform.Wire, platform.Inspection];
        foreach (var role in roles)
        {
            var verbs = role.GetType().GetMethods(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                .Where(verb => verb.IsVirtual && !verb.IsSpecialName && !s_harmless.Contains(verb.Name) && !verb.GetParameters().Any(parameter => parameter.ParameterType.IsByRefLike))
                .ToArray();
            Assert.NotEmpty(verbs);
            Assert.All(verbs, verb =>
            {
                var refusal = Assert.Throws<TargetInvocationException>(() => verb.Invoke(role, [.. verb.GetParameters().Select(NothingFor)]));
                Assert.IsType<PlatformNotSupportedException>(refusal.InnerException);
            });
        }
    }

    /// <summary>What a system need not have, and what then answers without throwing: a caller comes here only past a verb that throws.</summary>
    private static readonly string[] s_harmless =
        [nameof(SystemBacking.HasMemory), nameof(SystemBacking.FindShortage), nameof(SystemMapping.Populate), nameof(SystemMapping.Collapse),
         nameof(SystemBacking.IsOrdinaryMemory), nameof(SystemMembership.Forget), nameof(SystemMembership.CloseUnseen)];

    private static object? NothingFor(ParameterInfo parameter)
    {
        var type = parameter.ParameterType.IsByRef ? parameter.ParameterType.GetElementType()! : parameter.ParameterType;
        return type.IsValueType ? RuntimeHelpers.GetUninitializedObject(type) : null;
    }

    [Fact]
    [Rule("errors.unsupported")]
    public void A_file_system_that_cannot_reserve_memory_is_an_error_with_advice()
    {
        using var host = new SubstitutedObject(new ScriptedPlatform("fallocate", Errno.EOPNOTSUPP, 0));
        foreach (var act in (Action[])[() => host.Memory.Reserve(0, 1), () => host.Memory.SetLength(100_000)])
        {
            Assert.Contains("Backing.Sparse", Assert.Throws<PlatformNotSupportedException>(act).Message, StringComparison.Ordinal);
        }

        host.Memory.SetLength(100_000, Backing.Sparse);
        Assert.Equal(100_000, host.Memory.Length);
    }

    private static void WithSockets(Func<SocketPair, Task> act)
    {
        using var pair = new SocketPair();
        act(pair).GetAwaiter().GetResult();
    }

    private static void WithHandle(Action<SafeFileHandle> act)
    {
        using var handle = Native.Open("/dev/null", Native.O_RDONLY);
        act(handle);
    }

    private static void SendObject()
    {
        SharedMemoryObject memory;
        using (Platform.Substitute(Platform.Linux(SystemCalls.Real)))
        {
            memory = SharedMemoryObject.CreateUnpublished(1);
        }

        using (memory)
        {
            WithSockets(pair => pair.Sender.SendObjectAsync(memory).AsTask());
        }
    }

    private static void FromHandle()
    {
        using var handle = Native.Open("/dev/null", Native.O_RDONLY);
        try
        {
            SharedMemoryObject.FromHandle(handle).Dispose();
        }
        finally
        {
            Assert.False(handle.IsClosed);
        }
    }
}
