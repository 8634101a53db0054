// What it does to others, it does by Linux's means.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
