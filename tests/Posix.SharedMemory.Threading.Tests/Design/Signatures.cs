using System.Globalization;
using System.Reflection;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Writes public members as C# declares them, in one line each: enough to compare them with a list that was written by hand.</summary>
internal static class Signatures
{
    private static readonly Dictionary<Type, string> s_keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
    };

    /// <summary>The members that a type itself declares.</summary>
    internal static IEnumerable<string> Of(Type type) =>
        from member in type.GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
        let text = Of(member)
        where text is not null
        select $"{NameOf(type)}: {text}";

    internal static string NameOf(Type type)
    {
        if (type.IsByRef)
        {
            return "ref " + NameOf(type.GetElementType()!);
        }

        if (Nullable.GetUnderlyingType(type) is { } value)
        {
            return NameOf(value) + "?";
        }

        if (s_keywords.TryGetValue(type, out var keyword))
        {
            return keyword;
        }

        return type.IsGenericType ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>" : type.Name;
    }

    private static string? Of(MemberInfo member) => member switch
    {
        MethodInfo { IsSpecialName: false } method => $"{(method.IsStatic ? "static " : "")}{NameOf(method.ReturnType)} {method.Name}({string.Join(", ", method.GetParameters().Select(Of))})",
        PropertyInfo property => $"{NameOf(property.PropertyType)} {property.Name} {{ {string.Join(" ", Accessors(property))} }}",
        EventInfo raised => $"event {NameOf(raised.EventHandlerType!)} {raised.Name}",
        FieldInfo { IsLiteral: true } field => $"const {NameOf(field.FieldType)} {field.Name} = {field.GetRawConstantValue()}",
        ConstructorInfo constructor => $"new({string.Join(", ", constructor.GetParameters().Select(Of))})",
        _ => null,
    };

    private static IEnumerable<string> Accessors(PropertyInfo property)
    {
        if (property.GetMethod is { IsPublic: true })
        {
            yield return "get;";
        }

        if (property.SetMethod is { IsPublic: true } set)
        {
            yield return set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(System.Runtime.CompilerServices.IsExternalInit)) ? "init;" : "set;";
        }
    }

    private static string Of(ParameterInfo parameter)
    {
        var type = parameter.ParameterType;
        var way = parameter.IsOut ? "out " : parameter.IsIn ? "in " : type.IsByRef ? "ref " : "";
        var name = $"{way}{NameOf(type.IsByRef ? type.GetElementType()! : type)} {parameter.Name}";
        return parameter.HasDefaultValue ? $"{name} = {DefaultOf(parameter)}" : name;
    }

    private static string DefaultOf(ParameterInfo parameter) => parameter.RawDefaultValue switch
    {
        null => parameter.ParameterType.IsValueType ? "default" : "null",
        bool value => value ? "true" : "false",
        var value when parameter.ParameterType.IsEnum => Enum.ToObject(parameter.ParameterType, value).ToString()!,
        var value => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
