// Python checks a SHA-256 over the mapped bytes, in place, and changes some of them: dotnet run samples/22-python-edits.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using Posix.SharedMemory;

const int Length = 1 << 20;
const string Script = """
    import hashlib, sys
    from multiprocessing import resource_tracker, shared_memory
    name, sha256 = sys.argv[1:]
    if sys.version_info >= (3, 13):
        memory = shared_memory.SharedMemory(name, track=False)
    else:                                                        # Otherwise Python removes the object when it exits.
        memory = shared_memory.SharedMemory(name)
        resource_tracker.unregister(memory._name, "shared_memory")
    good = hashlib.sha256(memory.buf).hexdigest() == sha256.lower()
    for at in range(16):
        memory.buf[at] ^= 0xFF
    memory.close()
    sys.exit(0 if good else 1)
    """;

var name = SharedMemoryObject.CreateUniqueName("sample-22");
using var memory = SharedMemoryObject.Create(name, Length, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = memory.Map();
var bytes = map.GetSpan(0, Length);
Random.Shared.NextBytes(bytes);
var before = bytes[..16].ToArray();

int code;
try
{
    using var python = Process.Start("python3", ["-c", Script, name, Convert.ToHexString(SHA256.HashData(bytes))]);
    python.WaitForExit();
    code = python.ExitCode;
}
catch (Win32Exception)
{
    Console.WriteLine("SKIPPED: there is no python3 on this machine.");
    return 0;
}

var seen = bytes[..16].SequenceEqual(before.Select(b => (byte)~b).ToArray());
using var still = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);   // Python has exited, and has not removed the object.
Console.WriteLine($"Python found {(code == 0 ? "the same" : "ANOTHER")} SHA-256 in {still.Length} bytes; its change {(seen ? "arrived" : "did NOT arrive")} here");
return code == 0 && seen ? 0 : 1;
