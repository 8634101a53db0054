using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Testing;

/// <summary>What a filter refuses: one system call, or only those of its calls in which an argument has certain bits.</summary>
/// <param name="X64">The call's number on x86-64; −1 where it has none.</param>
/// <param name="Generic">Its number on the other architectures; −1 where they have none.</param>
internal sealed record FilterRule(int X64, int Generic)
{
    /// <summary>Gets which argument is looked at, counted from 0; −1 where none is.</summary>
    internal int Argument { get; private init; } = -1;

    /// <summary>Gets the bits of it that are looked at.</summary>
    internal uint Mask { get; private init; }

    /// <summary>Gets what they must be.</summary>
    internal uint Value { get; private init; }

    /// <summary>Gets whether they must be anything else.</summary>
    internal bool IsNegated { get; private init; }

    /// <summary>Gets the call's number here.</summary>
    internal int Number => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? X64 : Generic;

    /// <summary>Only calls in which an argument has this value.</summary>
    internal FilterRule Where(int argument, uint value) => this with { Argument = argument, Mask = uint.MaxValue, Value = value };

    /// <summary>Only calls in which an argument has all of these bits.</summary>
    internal FilterRule WhereSet(int argument, uint bits) => this with { Argument = argument, Mask = bits, Value = bits };

    /// <summary>Only calls in which an argument has another value.</summary>
    internal FilterRule WhereNot(int argument, uint value) => this with { Argument = argument, Mask = uint.MaxValue, Value = value, IsNegated = true };

    /// <summary>The instructions of a whole filter that refuses some calls with an error, and allows all others: each is a <c>struct sock_filter</c>.</summary>
    internal static ulong[] Compile(IEnumerable<FilteredCall> calls, Errno errno)
    {
        const ushort Return = 0x06;
        const uint ReturnsAllow = 0x7FFF0000;
        return [.. calls.SelectMany(call => call.Rules).Where(rule => rule.Number >= 0).SelectMany(rule => rule.Compile(errno.ToNative())), Instruction(Return, 0, 0, ReturnsAllow)];
    }

    /// <summary>The instructions of a BPF program that return an error for such a call, and go on for every other.</summary>
    internal IEnumerable<ulong> Compile(int errno)
    {
        const ushort LoadWord = 0x20, And = 0x54, JumpIfEqual = 0x15, Return = 0x06;
        const uint ReturnsErrno = 0x00050000;
        var hasArgument = Argument >= 0;
        var skipped = (byte)(hasArgument ? 4 : 1);
        yield return Instruction(LoadWord, 0, 0, 0);
        yield return Instruction(JumpIfEqual, 0, skipped, (uint)Number);
        if (hasArgument)
        {
            yield return Instruction(LoadWord, 0, 0, (uint)(16 + (8 * Argument)));
            yield return Instruction(And, 0, 0, Mask);
            yield return Instruction(JumpIfEqual, (byte)(IsNegated ? 1 : 0), (byte)(IsNegated ? 0 : 1), Value);
        }

        yield return Instruction(Return, 0, 0, ReturnsErrno | (uint)errno);
    }

    /// <summary>A <c>struct sock_filter</c>: 16 bits of code, two jumps of 8, an operand of 32.</summary>
    private static ulong Instruction(ushort code, byte ifTrue, byte ifFalse, uint operand) =>
        code | ((ulong)ifTrue << 16) | ((ulong)ifFalse << 24) | ((ulong)operand << 32);
}
