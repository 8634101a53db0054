// A POSIX semaphore, which C and Python programs share by its name: dotnet run samples/47-posix-semaphore.cs
#:project ../src/Posix.SharedMemory.Threading/Posix.SharedMemory.Threading.csproj

using Posix.SharedMemory;
using Posix.SharedMemory.Threading;

var name = "/" + SharedMemoryObject.CreateUniqueName("sample-47");
// snippet: posix
using var semaphore = PosixSemaphore.OpenOrCreate(name, 1, out _);     // sem_open(name, O_CREAT, 0600, 1)
semaphore.Wait();                                                      // sem_wait
semaphore.Release();                                                   // sem_post
var isTaken = semaphore.Wait(TimeSpan.FromSeconds(1));                 // sem_timedwait; WaitAsync, too
PosixSemaphore.Unlink(name);                                           // sem_unlink
// end
var good = isTaken && semaphore.CurrentCount == 0;

Console.WriteLine(good ? "taken, released and taken again; the name is gone" : "something is WRONG");
return good ? 0 : 1;
