using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using LatentStitching.Metrics;

namespace LatentStitching.Tests;

/// <summary>What holds for every type of the library, looked at by reflection.</summary>
public sealed class ArchitectureTests
{
    private static readonly Assembly _library = typeof(Stitcher).Assembly;

    [Fact]
    public void PublicClasses_AreSealedStaticOrAbstract() =>
        _library.GetExportedTypes().Where(type => type is { IsClass: true, IsSealed: false, IsAbstract: false }).Should().BeEmpty("a class is for deriving from or it is final");

    [Fact]
    public void Records_HoldNoTensor()
    {
        IEnumerable<Type> records = _library.GetTypes().Where(IsRecord);
        records.Should().NotBeEmpty();
        records.SelectMany(type => type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(field => Parts(field.FieldType).Any(part => typeof(Tensor).IsAssignableFrom(part)))
            .Select(field => $"{field.DeclaringType!.Name}.{field.Name}")
            .Should().BeEmpty("a copy of a record shares its tensor's handle, which is then disposed twice");
    }

    [Fact]
    public void PublicSignatures_ShowNoTypeOfMathNetOrSkia()
    {
        _library.GetExportedTypes().SelectMany(Signatures)
            .Where(signature => Parts(signature.Type).Any(part => part.Namespace is { } name && (name.StartsWith("MathNet", StringComparison.Ordinal) || name.StartsWith("SkiaSharp", StringComparison.Ordinal))))
            .Select(signature => signature.Member)
            .Should().BeEmpty("what computes inside is not part of the contract");
    }

    [Fact]
    public void Metrics_HaveAReferenceAndASignatureOfTheirOwn()
    {
        List<MetricInfo> infos = [.. _library.GetExportedTypes()
            .Where(type => type is { IsClass: true, IsAbstract: false } && typeof(IPairedMetric).IsAssignableFrom(type) && type.GetConstructor(Type.EmptyTypes) is not null)
            .Select(type => ((IPairedMetric)Activator.CreateInstance(type)!).Info)];
        infos.Should().NotBeEmpty();
        foreach (MetricInfo info in infos)
        {
            foreach (string text in (string[])[info.Name, info.Unit, info.Reference, info.Signature]) text.Should().NotBeNullOrWhiteSpace(info.Name);
            info.Signature.Should().MatchRegex("^[a-z0-9-]+(\\|[a-z0-9-]+:[^|:]+)*$");
            Enum.IsDefined(info.Direction).Should().BeTrue();
        }
        infos.Select(info => info.Name).Should().OnlyHaveUniqueItems();
        infos.Select(info => info.Signature).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void Namespaces_AreFoldersBelowTheLibrarys() =>
        _library.GetExportedTypes().Select(type => type.Namespace).Distinct().Should().OnlyContain(name => name == "LatentStitching" || name!.StartsWith("LatentStitching.", StringComparison.Ordinal));

    [Fact]
    public void Models_KnowNothingOfFittingMetricsOrTheStitcher()
    {
        string[] above = ["LatentStitching", "LatentStitching.Fitting", "LatentStitching.Metrics", "LatentStitching.Pairing", "LatentStitching.Mapping"];
        foreach (Type type in _library.GetExportedTypes().Where(type => type.Namespace is "LatentStitching.Models" or "LatentStitching.Data"))
        {
            Signatures(type).Where(signature => Parts(signature.Type).Any(part => part.Assembly == _library && above.Contains(part.Namespace)))
                .Select(signature => signature.Member).Should().BeEmpty(type.Name);
        }
    }

    [Fact]
    public void Documentation_HasNoEmptyTag()
    {
        var file = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "LatentStitching.xml"));
        string[] tags = ["summary", "param", "returns", "exception", "value", "remarks", "typeparam"];
        IEnumerable<XElement> members = file.Descendants("member");
        members.Should().NotBeEmpty();
        members.SelectMany(member => member.Elements()
                .Where(tag => tags.Contains(tag.Name.LocalName) && (string.IsNullOrWhiteSpace(tag.Value) && !tag.HasElements || tag.Value.Contains("TODO", StringComparison.Ordinal)))
                .Select(tag => $"{member.Attribute("name")!.Value}: {tag.Name}"))
            .Should().BeEmpty();
    }

    // The compiler gives records a method that no other class can have.
    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$", BindingFlags.Instance | BindingFlags.Public) is not null;

    private static IEnumerable<(string Member, Type Type)> Signatures(Type type)
    {
        const BindingFlags declared = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        foreach (MethodBase method in type.GetMembers(declared).OfType<MethodBase>().Where(method => (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly) && !method.IsDefined(typeof(CompilerGeneratedAttribute))))
        {
            foreach (ParameterInfo parameter in method.GetParameters()) yield return ($"{type.Name}.{method.Name}", parameter.ParameterType);
            if (method is MethodInfo returning) yield return ($"{type.Name}.{method.Name}", returning.ReturnType);
        }
        foreach (PropertyInfo property in type.GetProperties(BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public)) yield return ($"{type.Name}.{property.Name}", property.PropertyType);
        if (type.BaseType is { } parent) yield return (type.Name, parent);
        foreach (Type contract in type.GetInterfaces()) yield return (type.Name, contract);
    }

    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.HasElementType) return Parts(type.GetElementType()!);
        return type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Prepend(type) : [type];
    }
}
