using Grpc.Core;

namespace Posix.SharedMemory.AspNetCore.Tests.Protocols;

/// <summary>One call of each shape.</summary>
internal sealed class CountingService : Counter.CounterBase
{
    public override Task<Number> Double(Number request, ServerCallContext context) => Task.FromResult(new Number { Value = 2 * request.Value, Ballast = request.Ballast });

    public override async Task CountTo(Number request, IServerStreamWriter<Number> responseStream, ServerCallContext context)
    {
        for (var value = 1L; value <= request.Value; value++)
        {
            await responseStream.WriteAsync(new() { Value = value }, context.CancellationToken);
        }
    }

    public override async Task<Number> Sum(IAsyncStreamReader<Number> requestStream, ServerCallContext context)
    {
        var sum = 0L;
        await foreach (var number in requestStream.ReadAllAsync())
        {
            sum += number.Value;
        }

        return new() { Value = sum };
    }

    public override async Task DoubleEach(IAsyncStreamReader<Number> requestStream, IServerStreamWriter<Number> responseStream, ServerCallContext context)
    {
        await foreach (var number in requestStream.ReadAllAsync())
        {
            await responseStream.WriteAsync(new() { Value = 2 * number.Value });
        }
    }
}
