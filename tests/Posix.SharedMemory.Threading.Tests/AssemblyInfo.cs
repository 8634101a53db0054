using System.Runtime.Versioning;

// What these tests look at is not on Windows.
[assembly: UnsupportedOSPlatform("windows")]

// The tests measure bounded waits and count threads of this process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
