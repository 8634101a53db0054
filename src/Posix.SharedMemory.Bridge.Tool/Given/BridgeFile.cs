using System.Text.Json;
using System.Text.Json.Serialization;

namespace Posix.SharedMemory.Bridge.Tool;

/// <summary>The JSON file that <c>--config</c> names: the options of the command line, under the same names, and routes. It holds no secrets.</summary>
internal sealed record BridgeFile
{
    /// <summary>Gets where the server is.</summary>
    public string? Url { get; init; }

    public string? Host { get; init; }

    public IReadOnlyList<string>? Export { get; init; }

    public IReadOnlyList<string>? Import { get; init; }

    public BridgeDelivery? Delivery { get; init; }

    public IReadOnlyList<BridgeRoute>? Routes { get; init; }

    public long? WindowBytes { get; init; }

    public int? ChunkBytes { get; init; }

    public int? BatchDelayMicroseconds { get; init; }

    /// <summary>Gets the permissions of channels that are created, octal as in <c>"0660"</c>.</summary>
    public string? Permissions { get; init; }

    public long? ImportLimitBytes { get; init; }

    public string? NamePrefix { get; init; }

    /// <summary>Gets the file with the credentials.</summary>
    public string? Creds { get; init; }

    public bool? Tls { get; init; }

    public string? TlsCa { get; init; }

    public string? TlsCert { get; init; }

    public string? TlsKey { get; init; }

    public LogFormat? Log { get; init; }

    /// <summary>Gets the port of the metrics.</summary>
    public int? Prometheus { get; init; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="UsageException">There is none, or it is not what it should be; the message says where.</exception>
    internal static BridgeFile Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), BridgeFileJson.Default.BridgeFile) ?? throw new UsageException($"{path}: it is null, and should be an object");
        }
        catch (JsonException e)
        {
            // A word that is not known is named first, in quotes.
            var reason = e.Message.Contains("could not be mapped", StringComparison.Ordinal) ? $"unknown word '{e.Message.Split('\'').ElementAtOrDefault(1)}'" : e.Message.Split(" Path: ", 2)[0].Split(" LineNumber: ", 2)[0];
            throw new UsageException($"{path}, line {(e.LineNumber ?? 0) + 1}: {reason}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path}: {e.Message}");
        }
    }
}

/// <summary>How lines are printed.</summary>
internal enum LogFormat
{
    /// <summary>For people.</summary>
    Text,

    /// <summary>One JSON object a line.</summary>
    Json,
}

/// <summary>Reads the file without reflection. A word that it does not know is refused: it would be a spelling mistake.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    UseStringEnumConverter = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(BridgeFile))]
internal sealed partial class BridgeFileJson : JsonSerializerContext;
