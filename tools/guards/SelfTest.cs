namespace Guards;
internal static class SelfTest { internal static int Run() => 0; }
