using System.Reflection;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Abi.Tests;

/// <summary>Every struct of Interop has the size of C's, and its fields lie where C's lie and are as wide.</summary>
public class Structures
{
    public static TheoryData<string> WithExplicitLayout() =>
        [.. Surface.Types().Where(type => type is { IsValueType: true, IsExplicitLayout: true }).Select(Surface.LabelOf)];

    public static TheoryData<string> OfThisSystem() => [.. Surface.Structures().Select(Surface.LabelOf)];

    public static TheoryData<string> WithSize() => [.. Surface.Structures().Where(type => type.IsValueType).Select(Surface.LabelOf)];

    public static TheoryData<string, string> Fields()
    {
        var rows = new TheoryData<string, string>();
        foreach (var type in Surface.Structures())
        {
            foreach (var field in Surface.FieldsOf(type))
            {
                rows.Add(Surface.LabelOf(type), field.Name);
            }
        }

        return rows;
    }

    public static TheoryData<string, string, long> Offsets()
    {
        var rows = new TheoryData<string, string, long>();
        foreach (var type in Surface.Structures())
        {
            foreach (var field in Surface.FieldsOf(type))
            {
                rows.Add(Surface.LabelOf(type), field.Name, Marshal.OffsetOf(type, field.Name));
            }

            // A record of variable length is not a struct here: a class says where its fields lie.
            foreach (var (name, value) in Surface.NumbersOf(type))
            {
                rows.Add(Surface.LabelOf(type), name, value);
            }
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(OfThisSystem))]
    public void Have_a_counterpart_in_C(string type) =>
        Assert.True(
            Counterparts.TryGetType(Surface.Find(type), out _),
            $"{type} has no counterpart in {nameof(Counterparts)}: say there which C type it is.");

    [Fact]
    public void Are_the_only_types_apart_from_classes_of_constants()
    {
        var others = Surface.Types().Where(type => type is not { IsValueType: true } and not { IsAbstract: true, IsSealed: true });
        Assert.Empty(others);
    }

    [SkippableTheory]
    [MemberData(nameof(WithSize))]
    public void Have_C_s_size(string type) =>
        Verdict.Require($"the size of {type}", Surface.SizeOf(Surface.Find(type)), Surface.SizeQuestion(Surface.Find(type)));

    [SkippableTheory]
    [MemberData(nameof(Offsets))]
    public void Have_each_field_at_C_s_offset(string type, string field, long offset) =>
        Verdict.Require($"the offset of {type}.{field}", offset, Surface.OffsetQuestion(Surface.Find(type), field));

    [SkippableTheory]
    [MemberData(nameof(Fields))]
    public void Have_each_field_as_wide_as_C_s(string type, string field)
    {
        var width = Surface.SizeOf(Surface.FieldsOf(Surface.Find(type)).Single(each => each.Name == field).FieldType);
        Verdict.Require($"the width of {type}.{field}", width, Surface.WidthQuestion(Surface.Find(type), field));
    }

    // The headers of another system are not here, but that a layout is possible at all shows anywhere.
    [Theory]
    [MemberData(nameof(WithExplicitLayout))]
    public void Of_any_system_have_fields_that_fit_and_do_not_overlap(string type)
    {
        var structure = Surface.Find(type);
        Assert.Equal(Surface.DeclaredSizeOf(structure), Surface.SizeOf(structure));
        var end = 0;
        foreach (var field in Surface.FieldsOf(structure).OrderBy(OffsetOf))
        {
            var offset = OffsetOf(field);
            var width = Surface.SizeOf(field.FieldType);
            Assert.True(offset >= end, $"{type}.{field.Name} at {offset} overlaps the field before it, which ends at {end}.");
            Assert.True(offset % Math.Min(width, 8) == 0, $"{type}.{field.Name} at {offset} is not aligned: it has {width} bytes.");
            end = offset + width;
        }

        Assert.InRange(end, 1, Surface.DeclaredSizeOf(structure));
    }

    private static int OffsetOf(FieldInfo field) => field.GetCustomAttribute<FieldOffsetAttribute>()!.Value;
}
