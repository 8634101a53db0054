namespace Posix.SharedMemory.Testing;

/// <summary>Names the rule of <c>docs/spec</c> that a test claims; <c>tools/guards</c> checks that every rule is claimed.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class, AllowMultiple = true)]
public sealed class RuleAttribute(string id) : Attribute
{
    /// <summary>Gets the rule's id, such as <c>names.slash</c>.</summary>
    public string Id { get; } = id;
}
