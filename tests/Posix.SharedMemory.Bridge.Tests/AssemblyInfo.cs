using System.Runtime.Versioning;

// What these tests look at is not on Windows.
[assembly: UnsupportedOSPlatform("windows")]

// Most of their time the tests wait. What is counted in the whole process is in the collection "alone".
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
