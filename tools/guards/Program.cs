// Checks what ARCHITECTURE.md promises, one line per violation, `path:line: what`:
// dotnet run --project tools/guards [-- --root DIR | --self-test | --way]
// --self-test plants a violation of each promise; --way draws the way of a byte.
// Exit code 0: none; 1: some; 2: nothing could be checked.
using Guards;

if (args is ["--self-test"])
{
    return SelfTest.Run();
}

if (FindRoot(args) is not { } root)
{
    Console.Error.WriteLine("Usage: dotnet run --project tools/guards [-- --root DIR | --self-test | --way], inside the repository or with its directory.");
    return 2;
}

var repository = Repository.Load(root);
if (repository.Packages.Count == 0)
{
    Console.Error.WriteLine($"{root} has no C# files under src/: nothing was checked.");
    return 2;
}

if (args is ["--way"])
{
    repository.Packages.Select(package => Guards.Checks.WayOfAByte.Walk(package)).OfType<Guards.Checks.Way>().ToList().ForEach(way => Console.Write(way.Draw()));
    return 0;
}

var violations = 0;
foreach (var (promise, check) in Promises.All)
{
    foreach (var finding in check(repository).Distinct().OrderBy(finding => finding.Path, StringComparer.Ordinal).ThenBy(finding => finding.Line))
    {
        Console.WriteLine($"{finding.Path}:{finding.Line}: {(finding.IsNote ? "note: " : "")}{finding.What} [{promise}]");
        violations += finding.IsNote ? 0 : 1;
    }
}

foreach (var way in repository.Packages.Select(package => Guards.Checks.WayOfAByte.Walk(package)).OfType<Guards.Checks.Way>())
{
    Console.WriteLine(way.Summary);
}

Console.WriteLine($"guards: {Promises.All.Count} checks, {violations} violations");
return violations == 0 ? 0 : 1;

static string? FindRoot(string[] args)
{
    if (args is ["--root", var given])
    {
        return Directory.Exists(given) ? Path.GetFullPath(given) : null;
    }

    if (args is not ([] or ["--way"]))
    {
        return null;
    }

    var directory = new DirectoryInfo(Environment.CurrentDirectory);
    while (directory is not null && !directory.EnumerateFiles("*.slnx").Any())
    {
        directory = directory.Parent;
    }

    return directory?.FullName;
}
