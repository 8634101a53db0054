using System.Runtime.Versioning;

// What these tests look at is not on Windows.
[assembly: UnsupportedOSPlatform("windows")]

// The tests count the descriptors of this process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
