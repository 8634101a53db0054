// From System.Threading's named objects, line by line: dotnet run samples/46-migrating-locks.cs
#:project ../src/Posix.SharedMemory.Threading/Posix.SharedMemory.Threading.csproj

using Posix.SharedMemory;
using Posix.SharedMemory.Threading;

var unique = SharedMemoryObject.CreateUniqueName("sample-46");
var good = true;

{
    var name = @"Global\" + unique + "-mutex";
    // snippet: mutex
    using var mutex = NamedMutex.OpenOrCreate(name, out var createdNew);   // new Mutex(false, name, out var createdNew)
    if (mutex.WaitOne(TimeSpan.FromSeconds(1)))                            // The same words, on whatever thread.
    {
        mutex.ReleaseMutex();
    }

    using (await mutex.Lock.EnterAsync())                                  // Better: a hold, which leaves by itself, and an await.
    {
        await Task.Yield();
    }
    // end
    good &= NamedMutex.TryOpenExisting(unique + "-mutex", out var same) && createdNew;
    same?.Dispose();
}

{
    var name = unique + "-semaphore";
    // snippet: semaphore
    using var semaphore = NamedSemaphore.OpenOrCreate(name, 0, 4, out _);  // new Semaphore(0, 4, name)
    semaphore.Release(2);
    semaphore.WaitOne();
    // end
    good &= semaphore.Semaphore.CurrentCount == 1;
}

{
    var name = unique + "-event";
    // snippet: event
    using var signal = NamedEvent.OpenOrCreate(name, false, EventResetMode.AutoReset, out _);   // new EventWaitHandle(false, EventResetMode.AutoReset, name)
    signal.Set();
    signal.WaitOne();
    // end
    using var other = NamedSemaphore.OpenOrCreate(unique + "-other", 1, 1, out _);
    // snippet: any
    ISharedWaitable[] waitables = [signal.Event, other.Semaphore];
    var index = SharedWait.WaitAny(waitables, TimeSpan.FromSeconds(1));    // WaitHandle.WaitAny(handles, …)
    // end
    good &= index == 1 && SharedWait.WaitAny(waitables, TimeSpan.Zero) == -1;
    // snippet: register
    var waiting = signal.Event.WaitAsync(TimeSpan.FromMinutes(1));         // ThreadPool.RegisterWaitForSingleObject(…): no thread waits
    signal.Set();
    good &= await waiting;
    // end
}

Console.WriteLine(good ? "all rows did what they say" : "something is WRONG");
return good ? 0 : 1;
