using System.Reflection;
using System.Runtime.Loader;

namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>Uses the release build of the library, whatever this program was built with: for looking at the machine code that is shipped.</summary>
internal static class ReleaseActs
{
    private delegate bool Write(ReadOnlySpan<byte> message, ushort type);

    private delegate void Publish(ReadOnlySpan<byte> value);

    /// <summary>Writes one message to each kind of channel, so that the methods which do it are compiled.</summary>
    internal static int WriteOnce(string directory)
    {
        var context = new AssemblyLoadContext("release");
        context.Resolving += (_, name) => context.LoadFromAssemblyPath(Path.Combine(directory, name.Name + ".dll"));
        var library = context.LoadFromAssemblyPath(Path.Combine(directory, "Posix.SharedMemory.Channels.dll"));
        // The base library's assemblies come from the program itself; those of this library must not.
        context.LoadFromAssemblyPath(Path.Combine(directory, "Posix.SharedMemory.dll"));
        context.LoadFromAssemblyPath(Path.Combine(directory, "Posix.SharedMemory.Threading.dll"));
        foreach (var kind in (string[])["MessageChannel", "FanIn"])
        {
            using var writer = OpenWriter(library, kind);
            if (!Method(writer, "TryWrite", [typeof(ReadOnlySpan<byte>), typeof(ushort)]).CreateDelegate<Write>(writer)(new byte[64], 5))
            {
                return 1;
            }
        }

        using var latest = OpenWriter(library, "LatestBytes");
        Method(latest, "Publish", [typeof(ReadOnlySpan<byte>)]).CreateDelegate<Publish>(latest)(new byte[64]);
        return 0;
    }

    private static IDisposable OpenWriter(Assembly library, string kind)
    {
        var type = library.GetType("Posix.SharedMemory.Channels." + kind, throwOnError: true)!;
        var channel = type.GetMethod("CreateAnonymous")!.Invoke(null, [null])!;
        return (IDisposable)type.GetMethod("OpenWriter")!.Invoke(channel, [null])!;
    }

    private static MethodInfo Method(object target, string name, Type[] parameters) => target.GetType().GetMethod(name, parameters)!;
}
