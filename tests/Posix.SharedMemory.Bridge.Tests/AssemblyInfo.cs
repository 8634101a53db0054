using System.Runtime.Versioning;

// What these tests look at is not on Windows.
[assembly: UnsupportedOSPlatform("windows")]

// The tests wait for each other's processes, and count threads and allocations of this one.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
