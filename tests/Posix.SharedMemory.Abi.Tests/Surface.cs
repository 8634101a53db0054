using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory.Abi.Tests;

/// <summary>What the library claims about C, found by reflection: a claim added later is found too.</summary>
internal static class Surface
{
    private const BindingFlags Declared =
        BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>The packages that call C. A package that comes is a line here, and a reference in the project file.</summary>
    private static readonly Assembly[] s_packages = [typeof(SharedMemoryObject).Assembly];

    /// <summary>Every type of the Interop namespaces but the imports, of whichever system.</summary>
    internal static IEnumerable<Type> Types() => InteropTypes().Where(type => type.Name != nameof(Libc));

    /// <summary>What a type is called in the rows of tests: the packages may have types of one name.</summary>
    internal static string LabelOf(Type type) => type.Assembly == s_packages[0] ? type.Name : $"{type.Assembly.GetName().Name}: {type.Name}";

    /// <summary>Gets the type that has a label.</summary>
    internal static Type Find(string label) => Types().Single(type => LabelOf(type) == label);

    /// <summary>The classes of numbers that belong to the running system.</summary>
    internal static IEnumerable<Type> ConstantClasses() => Types().Where(type => IsStatic(type)
        && Counterparts.IsOfThisSystem(type) && !Counterparts.TryGetType(type, out _));

    /// <summary>The structs of the running system, and the classes that say where the fields of one lie.</summary>
    internal static IEnumerable<Type> Structures() => Types().Where(type => Counterparts.IsOfThisSystem(type)
        && (type.IsValueType || (IsStatic(type) && Counterparts.TryGetType(type, out _))));

    /// <summary>The numbers of a class, by name.</summary>
    internal static IEnumerable<(string Name, long Value)> NumbersOf(Type type)
    {
        foreach (var field in type.GetFields(Declared).Where(field => field is { IsStatic: true, IsPrivate: false }))
        {
            yield return (field.Name, AsLong(type, field.Name, field.GetValue(null)));
        }

        foreach (var property in type.GetProperties(Declared).Where(property => property.GetMethod is { IsStatic: true, IsPrivate: false }))
        {
            if (property.PropertyType != typeof(bool))
            {
                yield return (property.Name, AsLong(type, property.Name, property.GetValue(null)));
            }
        }
    }

    internal static IEnumerable<FieldInfo> FieldsOf(Type type) => type.GetFields(Declared).Where(field => !field.IsStatic);

    /// <summary>The size the runtime gives a type.</summary>
    internal static int SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    /// <summary>The size a struct's attribute asks for; 0 where it asks for none.</summary>
    internal static int DeclaredSizeOf(Type type) => type.StructLayoutAttribute!.Size;

    /// <summary>Every <see cref="Errno"/> that has a name.</summary>
    internal static IEnumerable<(string Name, Errno Errno)> ErrorNumbers() =>
        Enum.GetValues<Errno>().Where(errno => errno > Errno.None).Select(errno => (errno.ToString(), errno));

    /// <summary>Every import: its C# name and the symbol it asks libc for.</summary>
    internal static IEnumerable<(string Name, string Symbol)> Imports() =>
        from imports in InteropTypes().Where(type => type.Name == nameof(Libc))
        from method in imports.GetMethods(Declared)
        let import = method.GetCustomAttribute<LibraryImportAttribute>()
        where import is not null
        select (method.Name, import.EntryPoint ?? method.Name);

    internal static Question SizeQuestion(Type type) =>
        Counterparts.TryGetType(type, out var c) ? new($"sizeof({c.Name})", c.Guard) : throw Unknown(type);

    // A class that says where the fields of a record lie may give the record's Size too.
    internal static Question OffsetQuestion(Type type, string field) => !type.IsValueType && field == "Size" ? SizeQuestion(type)
        : Counterparts.TryGetType(type, out var c) ? new($"offsetof({c.Name}, {Counterparts.FieldOf(field)})", c.Guard)
        : throw Unknown(type);

    internal static Question WidthQuestion(Type type, string field) => Counterparts.TryGetType(type, out var c)
        ? new($"sizeof((({c.Name} *)0)->{Counterparts.FieldOf(field)})", c.Guard)
        : throw Unknown(type);

    /// <summary>Everything the tests want to know of this system's headers.</summary>
    internal static IEnumerable<Question> Questions()
    {
        var macros = ConstantClasses().SelectMany(NumbersOf).Select(number => number.Name)
            .Concat(ErrorNumbers().Select(error => error.Name))
            .Concat(Permissions.Macros.Values);
        foreach (var macro in macros)
        {
            yield return Question.OfMacro(macro);
        }

        foreach (var (_, _, question) in ControlMessages.Claims())
        {
            yield return question;
        }

        // A struct without a counterpart fails its own row.
        foreach (var type in Structures().Where(type => Counterparts.TryGetType(type, out _)))
        {
            yield return SizeQuestion(type);
            foreach (var (name, _) in NumbersOf(type))
            {
                yield return OffsetQuestion(type, name);
            }

            foreach (var field in FieldsOf(type))
            {
                yield return OffsetQuestion(type, field.Name);
                yield return WidthQuestion(type, field.Name);
            }
        }
    }

    private static IEnumerable<Type> InteropTypes() => s_packages.SelectMany(package => package.GetTypes())
        .Where(type => type.Namespace?.EndsWith(".Interop", StringComparison.Ordinal) == true && !type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false));

    private static bool IsStatic(Type type) => type is { IsAbstract: true, IsSealed: true };

    private static long AsLong(Type type, string name, object? value) => value switch
    {
        nint number => number,
        nuint number => checked((long)number),
        ulong number => unchecked((long)number),
        sbyte or byte or short or ushort or int or uint or long => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        _ => throw new NotSupportedException($"{type.Name}.{name} is not a number, and a C compiler can judge only numbers."),
    };

    private static InvalidOperationException Unknown(Type type) =>
        new($"{type.Name} has no counterpart in {nameof(Counterparts)}: say there which C type it is.");
}
