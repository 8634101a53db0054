// An object is filled before any other process can see it: dotnet run samples/03-publish-when-ready.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;

const int Rounds = 500;
const int Values = 64 << 10;
var name = SharedMemoryObject.CreateUniqueName("sample-03");
var taken = 0;
var incomplete = 0;
var reader = new Thread(ReadEachRound) { IsBackground = true };
reader.Start();

try
{
    for (var round = 1; round <= Rounds; round++)
    {
        using var memory = SharedMemoryObject.CreateUnpublished(Values * sizeof(int));
        using var mapping = memory.Map();
        mapping.GetSpan<int>(0, Values).Fill(round);

        // From here on the name refers to the complete object. A process that has the old one open keeps it.
        memory.Publish(name, RenameMode.Replace);
    }

    reader.Join();
}
finally
{
    SharedMemoryObject.TryUnlink(name);
}

Console.WriteLine($"{Rounds} objects of {Values} values were published under one name");
Console.WriteLine($"a reader opened it {taken} times and found {incomplete} incomplete objects");
return taken > 0 && incomplete == 0 ? 0 : 1;

void ReadEachRound()
{
    for (var round = 0; round < Rounds;)
    {
        if (!SharedMemoryObject.TryOpen(name, FileAccess.Read, out var memory))
        {
            Thread.Yield();   // Nothing is published yet.
            continue;
        }

        using (memory)
        {
            using var mapping = memory.Map();   // Throws if the object is still empty.
            var values = mapping.GetReadOnlySpan<int>(0, Values);
            taken++;
            incomplete += values.ContainsAnyExcept(values[0]) || values[0] < round ? 1 : 0;
            round = values[0];
        }
    }
}
