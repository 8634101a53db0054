// A task of the build (src/Directory.Build.targets): leaves only the comments of public members in the XML file beside an assembly.
#nullable enable
using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Collections.Generic;
using System.Xml.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>Removes the comments of what no caller can reach: they are two thirds of the file, and an editor would never show them.</summary>
public sealed class PublicComments : Task
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [Required]
    public string Assembly { get; set; } = "";

    [Required]
    public string Comments { get; set; } = "";

    /// <summary>Gets or sets the files of what the assembly refers to: a package that uses another one names its types.</summary>
    public string[] References { get; set; } = Array.Empty<string>();

    public override bool Execute()
    {
        AppDomain.CurrentDomain.AssemblyResolve += Resolve;
        try
        {
            return Leave();
        }
        finally
        {
            AppDomain.CurrentDomain.AssemblyResolve -= Resolve;
        }
    }

    private System.Reflection.Assembly? Resolve(object? sender, ResolveEventArgs asked)
    {
        var name = new AssemblyName(asked.Name).Name;
        // A framework is referred to by assemblies that cannot be loaded: those that can are beside the base library.
        var framework = Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!.Replace("Microsoft.NETCore.App", "Microsoft.AspNetCore.App"), name + ".dll");
        var path = File.Exists(framework) ? framework : References.FirstOrDefault(reference => Path.GetFileNameWithoutExtension(reference) == name);
        return path is null ? null : System.Reflection.Assembly.Load(File.ReadAllBytes(path));
    }

    private bool Leave()
    {
        var document = XDocument.Load(Comments, LoadOptions.PreserveWhitespace);
        var assembly = System.Reflection.Assembly.Load(File.ReadAllBytes(Assembly));
        var offered = new HashSet<string>(// What the compiler keeps extension members in has a name that nobody can write.
            assembly.GetExportedTypes().Where(type => !type.FullName!.Contains('<')).SelectMany(IdsOf));
        foreach (var member in document.Descendants("member").Where(member => !offered.Contains(member.Attribute("name")!.Value)).ToArray())
        {
            (member.PreviousNode as XText)?.Remove();
            member.Remove();
        }

        File.WriteAllText(Comments, $"{document.Declaration}\n{document.ToString(SaveOptions.DisableFormatting)}\n");
        return true;
    }

    private static IEnumerable<string> IdsOf(Type type)
    {
        var home = NameOf(type);
        return new[] { "T:" + home }
            .Concat(type.GetFields(Declared).Where(field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly).Select(field => $"F:{home}.{field.Name}"))
            .Concat(type.GetMethods(Declared).Where(method => IsOffered(method) && method.Name != "Finalize").Select(method => "M:" + IdOf(home, method)))
            .Concat(type.GetConstructors(Declared).Where(IsOffered).Select(constructor => "M:" + IdOf(home, constructor)))
            .Concat(type.GetProperties(Declared).Where(property => property.GetAccessors(true).Any(IsOffered))
                .Select(property => $"P:{home}.{property.Name}{Parameters(property.GetIndexParameters())}"))
            .Concat(type.GetEvents(Declared).Where(offered => IsOffered(offered.AddMethod!)).Select(offered => $"E:{home}.{offered.Name}"));
    }

    private static bool IsOffered(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string IdOf(string home, MethodBase method)
    {
        var arity = method.IsGenericMethodDefinition ? "``" + method.GetGenericArguments().Length : "";
        var result = method is MethodInfo { Name: "op_Implicit" or "op_Explicit" } conversion ? "~" + Spell(conversion.ReturnType) : "";
        return $"{home}.{method.Name.Replace('.', '#')}{arity}{Parameters(method.GetParameters())}{result}";
    }

    private static string Parameters(ParameterInfo[] parameters) =>
        parameters.Length == 0 ? "" : $"({string.Join(",", parameters.Select(parameter => Spell(parameter.ParameterType)))})";

    private static string Spell(Type type) =>
        type.IsByRef ? Spell(type.GetElementType()!) + "@"
        : type.IsPointer ? Spell(type.GetElementType()!) + "*"
        : type.IsArray ? Spell(type.GetElementType()!) + "[]"
        : type.IsGenericParameter ? (type.DeclaringMethod is null ? "`" : "``") + type.GenericParameterPosition
        : type.IsGenericType ? $"{NameOf(type.GetGenericTypeDefinition()).Split('`')[0]}{{{string.Join(",", type.GetGenericArguments().Select(Spell))}}}"
        : NameOf(type);

    private static string NameOf(Type type) => type.FullName!.Replace('+', '.');
}
