using Guards.Checks;

namespace Guards;

/// <summary>The checks, by what they promise.</summary>
internal static class Promises
{
    internal static IReadOnlyList<(string Promise, Func<Repository, IEnumerable<Finding>> Check)> All { get; } =
    [
        ("Each package has a table", Tables.EachPackageHasOne),
        ("A package depends on what its table names", Tables.DependenciesAreNamed),
        ("ARCHITECTURE.md names each folder", Tables.FoldersAreDrawn),
        ("C functions are imported under Interop/ only", Imports.AreInInterop),
        ("No arrow between folders points upward", Arrows.PointDownward),
        ("No delegate or interface carries a call upward", Arrows.NothingCallsUpward),
        ("A class is short over all its parts", ClassLengths.AreBounded),
        ("The way of a byte is short", WayOfAByte.IsShort),
        ("Each unsafe act has its SAFETY sentence", UnsafeActs.HaveReasons),
        ("Each SYNC label names its pair", SyncLabels.ComeInPairs),
        ("The models and the code have the same SYNC labels", SyncModels.AgreeWithTheCode),
        ("Each rule of the specification is claimed by a test", Rules.AreClaimed),
        ("No failure is swallowed", Catches.AreNotEmpty),
        ("Public types are in the package's namespaces", PublicNamespaces.AreThoseOfTheTable),
        ("A file is named like its type", FileNames.AreThoseOfTypes),
        ("No note to do something later", Leftovers.DeferredWork),
        ("No regions", Leftovers.CodeRegions),
        ("No folder without a concept", Leftovers.FoldersWithoutConcept),
        ("No path of a certain machine", Leftovers.MachinePaths),
        ("Links lead somewhere", Links.LeadSomewhere),
        ("Plain English", WordList.IsKept),
    ];
}
