global using Posix.SharedMemory.Testing;
global using Xunit;
