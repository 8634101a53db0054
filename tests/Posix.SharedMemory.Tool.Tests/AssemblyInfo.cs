using System.Runtime.Versioning;

// What these tests look at, /dev/shm and file modes, is not on Windows.
[assembly: UnsupportedOSPlatform("windows")]
