using LatentStitching.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Data;

/// <summary>The labels' joint distribution, and that the pictures show them.</summary>
[NoTensorLeaks]
public sealed class ProceduralFacesAttributeTests
{
    private static readonly AttributeTable _table = new ProceduralFaces(20_000, seed: 99).Attributes;

    // Expected values are the exact ones of the conditional table; the standard error of 20,000 draws is at most 0.0035.
    [Theory]
    [InlineData("Male", 0.420)]
    [InlineData("Young", 0.779)]
    [InlineData("Bald", 0.083)]
    [InlineData("Heavy_Makeup", 0.395)]
    [InlineData("No_Beard", 0.831)]
    [InlineData("Blond_Hair", 0.157)]
    [InlineData("Wavy_Hair", 0.321)]
    [InlineData("Smiling", 0.482)]
    [InlineData("Eyeglasses", 0.143)]
    [InlineData("Pale_Skin", 0.119)]
    public void Attribute_OfManyFaces_HasItsShare(string name, double share) => _table.Prevalence(name).Should().BeApproximately(share, 0.012);

    // CelebA's correlations (5,000 of its images) have the same signs: −0.19, 0.20, −0.21, −0.29, −0.30, −0.18, 0.26, −0.63, −0.65, 0.29, 0.41.
    [Theory]
    [InlineData("Male", "Young", -0.20)]
    [InlineData("Male", "Bald", 0.35)]
    [InlineData("Young", "Bald", -0.37)]
    [InlineData("Male", "Blond_Hair", -0.27)]
    [InlineData("Male", "Wavy_Hair", -0.34)]
    [InlineData("Male", "Smiling", -0.14)]
    [InlineData("Male", "Eyeglasses", 0.28)]
    [InlineData("Male", "Heavy_Makeup", -0.68)]
    [InlineData("Male", "No_Beard", -0.53)]
    [InlineData("Heavy_Makeup", "Wavy_Hair", 0.31)]
    [InlineData("Heavy_Makeup", "No_Beard", 0.36)]
    public void Attributes_OfManyFaces_Correlate(string first, string second, double expected) =>
        Correlation(_table.Column(first), _table.Column(second)).Should().BeApproximately(expected, 0.03);

    [Fact]
    public void Attributes_ThatExcludeEachOther_NeverMeet()
    {
        for (int row = 0; row < _table.Count; row++)
        {
            if (_table[row, "Bald"]) (_table[row, "Blond_Hair"] || _table[row, "Wavy_Hair"]).Should().BeFalse();
            if (!_table[row, "Male"]) (_table[row, "Bald"] || !_table[row, "No_Beard"]).Should().BeFalse();
        }
    }

    /// <summary>A ridge probe on 16 × 16 pixels reads every attribute of faces it has not seen.</summary>
    [Fact]
    public void RidgeProbe_OnHeldOutFaces_ReadsEveryAttribute()
    {
        const int train = 3000, test = 1000;
        using var scope = NewDisposeScope();
        ProceduralFaces faces = new(train + test, size: 32, seed: 11);
        Tensor images = nn.functional.avg_pool2d(faces.Load(0, train + test), 2);
        Tensor pixels = images.flatten(1).to(ScalarType.Float64);
        pixels -= pixels.narrow(0, 0, train).mean([0], keepdim: true);
        Tensor labels = stack(faces.Attributes.Names.Select(name => tensor(faces.Attributes.Column(name).Select(value => value ? 1.0 : 0.0).ToArray())), 1);

        Tensor x = pixels.narrow(0, 0, train);
        Tensor y = labels.narrow(0, 0, train);
        Tensor gram = x.t().mm(x) + 0.3 * eye(x.size(1), dtype: ScalarType.Float64);
        Tensor weight = linalg.solve(gram, x.t().mm(y - y.mean([0], keepdim: true)));
        Tensor scores = pixels.mm(weight);
        Tensor fitted = scores.narrow(0, 0, train);
        // The threshold lies half-way between the classes' mean scores.
        Tensor threshold = ((fitted * y).sum([0]) / y.sum([0]) + (fitted * (1 - y)).sum([0]) / (1 - y).sum([0])) / 2;
        Tensor said = (scores.narrow(0, train, test) > threshold).to(ScalarType.Float64);
        Tensor truth = labels.narrow(0, train, test);
        Tensor hits = (said * truth).sum([0]) / truth.sum([0]);
        Tensor rejections = ((1 - said) * (1 - truth)).sum([0]) / (1 - truth).sum([0]);
        double[] accuracy = [.. ((hits + rejections) / 2).data<double>()];

        string report = string.Join(", ", faces.Attributes.Names.Zip(accuracy, (name, value) => $"{name} {value:F3}"));
        for (int j = 0; j < accuracy.Length; j++)
        {
            accuracy[j].Should().BeGreaterThan(faces.Attributes.Names[j] == "Smiling" ? 0.80 : 0.88, report);
        }
    }

    private static double Correlation(IReadOnlyList<bool> first, IReadOnlyList<bool> second)
    {
        double a = first.Count(value => value) / (double)first.Count;
        double b = second.Count(value => value) / (double)second.Count;
        double both = first.Zip(second).Count(pair => pair.First && pair.Second) / (double)first.Count;
        return (both - a * b) / Math.Sqrt(a * (1 - a) * b * (1 - b));
    }
}
