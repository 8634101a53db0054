using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Posix.SharedMemory.Tests;

/// <summary>What the library offers, as text that a change must change too.</summary>
public sealed class PublicSurface
{
    /// <summary>Set to the path of the file to write, it accepts what the assembly offers now.</summary>
    private const string Accept = "ACCEPT_PUBLIC_SURFACE";

    private static readonly NullabilityInfoContext s_nullability = new();

    [Fact]
    [Rule("errors.surface")]
    public void Is_what_the_checked_in_text_says()
    {
        var surface = Render(typeof(SharedMemoryObject).Assembly);
        if (Environment.GetEnvironmentVariable(Accept) is { Length: > 0 } path)
        {
            File.WriteAllText(path, surface);
        }

        var accepted = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "PublicSurface.txt"));
        var present = surface.TrimEnd('\n').Split('\n');
        string[] before = Qualify(accepted), now = Qualify(present);
        var differences = before.Except(now, StringComparer.Ordinal).Select(line => "- " + line)
            .Concat(now.Except(before, StringComparer.Ordinal).Select(line => "+ " + line));
        Assert.True(
            accepted.SequenceEqual(present, StringComparer.Ordinal),
            $"""
            The public surface has changed:
            {string.Join('\n', differences)}
            If that is meant, accept it from the repository's root, build again and look at the difference:
              {Accept}=$PWD/tests/Posix.SharedMemory.Tests/PublicSurface.txt dotnet test --filter PublicSurface
            """);
    }

    /// <summary>Puts the type before each of its members.</summary>
    private static string[] Qualify(string[] lines)
    {
        var type = "";
        return Array.ConvertAll(lines, line => line.StartsWith(' ') ? $"{type}: {line.TrimStart()}" : type = line.Split(" : ")[0]);
    }

    private static string Render(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Head(type)).Append('\n');
            if (type.IsEnum)
            {
                foreach (var value in Enum.GetValues(type))
                {
                    text.Append(CultureInfo.InvariantCulture, $"    {value} = {Convert.ToInt64(value, CultureInfo.InvariantCulture)}\n");
                }

                continue;
            }

            const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
            var members = type.GetMembers(Declared).Select(Line).OfType<string>();
            foreach (var line in members.Order(StringComparer.Ordinal))
            {
                text.Append("    ").Append(line).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Head(Type type)
    {
        var kind = type.IsEnum ? "enum"
            : type.IsValueType ? (type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : "") + (IsRecord(type) ? "record struct" : "struct")
            : type.IsInterface ? "interface"
            : type is { IsAbstract: true, IsSealed: true } ? "static class"
            : (type.IsSealed ? "sealed " : type.IsAbstract ? "abstract " : "") + (IsRecord(type) ? "record" : "class");
        var bases = type.GetInterfaces().Except(type.BaseType?.GetInterfaces() ?? [])
            .Where(implemented => implemented.IsPublic)
            .Select(implemented => Spell(implemented))
            .Order(StringComparer.Ordinal)
            .ToList();
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && parent != typeof(Enum))
        {
            bases.Insert(0, Spell(parent));
        }

        return $"{kind} {type.FullName}{(bases.Count == 0 || type.IsEnum ? "" : " : " + string.Join(", ", bases))}";
    }

    /// <summary>Only records have this member; the others that a record brings go without saying too.</summary>
    private static bool IsRecord(Type type) => type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is not null;

    private static string? Line(MemberInfo member) => member switch
    {
        ConstructorInfo constructor when IsOffered(constructor) => $"{Access(constructor)}new({Parameters(constructor)})",
        MethodInfo { IsSpecialName: false } method when IsOffered(method) => Method(method),
        MethodInfo { IsSpecialName: true } method when IsOffered(method) && method.Name.StartsWith("op_", StringComparison.Ordinal) => Method(method),
        PropertyInfo property when property.GetMethod is { } getter && IsOffered(getter) => Property(property, getter),
        FieldInfo { IsPublic: true } field => $"{(field.IsStatic ? "static " : "")}{Spell(field.FieldType)} {field.Name}",
        EventInfo { AddMethod.IsPublic: true } offered => $"event {Spell(offered.EventHandlerType!)} {offered.Name}",
        _ => null,
    };

    private static bool IsOffered(MethodBase method) =>
        (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly)
        && (method is MethodInfo { IsSpecialName: true } && !method.Name.StartsWith("op_", StringComparison.Ordinal) || !method.IsDefined(typeof(CompilerGeneratedAttribute)));

    private static string Access(MethodBase method) =>
        (method.IsPublic ? "" : "protected ") + (method.IsStatic ? "static " : "");

    private static string Method(MethodInfo method)
    {
        var generic = "";
        var constraints = "";
        if (method.IsGenericMethodDefinition)
        {
            var parameters = method.GetGenericArguments();
            generic = $"<{string.Join(", ", parameters.Select(parameter => parameter.Name))}>";
            constraints = string.Concat(parameters.Select(parameter =>
                parameter.GetCustomAttributesData().Any(attribute => attribute.AttributeType.Name == "IsUnmanagedAttribute") ? $" where {parameter.Name} : unmanaged" : ""));
        }

        return $"{Access(method)}{Spell(method.ReturnType, s_nullability.Create(method.ReturnParameter))} {method.Name}{generic}({Parameters(method)}){constraints}";
    }

    private static string Property(PropertyInfo property, MethodInfo getter)
    {
        var setter = property.SetMethod is not { } set || !IsOffered(set) ? ""
            : set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? " init;"
            : " set;";
        var required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        var index = property.GetIndexParameters() is { Length: > 0 } ? $"[{Parameters(getter)}]" : "";
        return $"{Access(getter)}{required}{Spell(property.PropertyType, s_nullability.Create(property))} {(index.Length > 0 ? "this" : property.Name)}{index} {{ get;{setter} }}";
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
    {
        var passing = parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? (parameter.IsIn ? "in " : "ref ") : "";
        var type = parameter.ParameterType.IsByRef ? parameter.ParameterType.GetElementType()! : parameter.ParameterType;
        return $"{passing}{Spell(type, s_nullability.Create(parameter))} {parameter.Name}{(parameter.HasDefaultValue ? " = " + Default(parameter) : "")}";
    }));

    private static string Default(ParameterInfo parameter) => parameter.RawDefaultValue switch
    {
        null => parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null ? "default" : "null",
        string text => $"\"{text}\"",
        var value when Nullable.GetUnderlyingType(parameter.ParameterType) is null && parameter.ParameterType.IsEnum => Enum.ToObject(parameter.ParameterType, value).ToString()!,
        var value => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Spell(Type type, NullabilityInfo? nullability = null)
    {
        if (type.IsByRef)
        {
            return "ref " + Spell(type.GetElementType()!);
        }

        if (type.IsArray || type.IsPointer)
        {
            return Spell(type.GetElementType()!, nullability?.ElementType) + (type.IsArray ? "[]" : "*");
        }

        if (Nullable.GetUnderlyingType(type) is { } inner)
        {
            return Spell(inner) + "?";
        }

        var mark = !type.IsValueType && nullability is { ReadState: NullabilityState.Nullable } ? "?" : "";
        if (!type.IsGenericType)
        {
            return Word(type) + mark;
        }

        var arguments = type.GetGenericArguments().Select((argument, at) => Spell(argument, nullability?.GenericTypeArguments.ElementAtOrDefault(at)));
        return $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", arguments)}>{mark}";
    }

    private static string Word(Type type) => type.IsEnum || type.Namespace != "System" ? type.Name : type.Name switch
    {
        "Void" => "void",
        "Boolean" => "bool",
        "Byte" => "byte",
        "Int32" => "int",
        "UInt32" => "uint",
        "Int64" => "long",
        "UInt64" => "ulong",
        "String" => "string",
        "Object" => "object",
        var other => other,
    };
}
