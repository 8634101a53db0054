namespace Posix.SharedMemory.Channels;

/// <summary>Slots of one size in a <see cref="FrameChannel"/>.</summary>
/// <param name="SlotLength">How many bytes a frame may have that gets such a slot.</param>
/// <param name="SlotCount">How many slots there are.</param>
/// <example>
/// <code><![CDATA[
/// FrameClass previews = new(64 << 10, 16), pictures = new(8 << 20, 4);
/// Console.WriteLine($"{previews.SlotCount} of {previews.SlotLength} bytes and {pictures.SlotCount} of {pictures.SlotLength}");
/// using var channel = FrameChannel.CreateAnonymous(new() { Classes = [previews, pictures] });
/// ]]></code>
/// </example>
public readonly record struct FrameClass(int SlotLength, int SlotCount);
