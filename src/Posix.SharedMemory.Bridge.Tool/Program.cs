using Posix.SharedMemory.Bridge.Tool;

return await BridgeCommand.RunAsync(args, Console.Out, Console.Error).ConfigureAwait(false);
