using LatentStitching.Metrics;
using LatentStitching.Metrics.Similarity;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Similarity;

/// <summary>What holds for every similarity measure: each fact that it declares, and no more than these.</summary>
[NoTensorLeaks]
public sealed class SimilarityContractTests
{
    // Angles and root-sum distances lose half of the digits near 0, and only there.
    private const double Near = 1e-9;
    private const double NearZero = 2e-7;

    private static readonly (long Rows, long P, long Q)[] _shapes = [(60, 7, 5), (60, 5, 7), (60, 6, 6), (20, 30, 24), (20, 24, 30)];

    public static TheoryData<string> Ids => [.. SimilarityMeasures.All().Select(measure => measure.Info.Id)];

    private static ISimilarityMeasure Measure(string id) => SimilarityMeasures.All().Single(measure => measure.Info.Id == id);

    private static Tensor Normal(Generator generator, params long[] shape) => randn(shape, ScalarType.Float64, generator: generator);

    // Related spaces with a falling spectrum and an offset.
    private static (Tensor X, Tensor Y) Pair(long rows, long p, long q, ulong seed)
    {
        using Generator generator = new(seed);
        Tensor x = (Normal(generator, rows, p) / arange(1, p + 1, ScalarType.Float64)) + Normal(generator, 1, p);
        Tensor y = x.mm(Normal(generator, p, q)) + (Normal(generator, rows, q) * 0.5) + Normal(generator, 1, q);
        return (x, y);
    }

    private static bool Takes(ISimilarityMeasure measure, long rows, long p, long q) => !measure.Info.NeedsMoreRowsThanColumns || rows > Math.Max(p, q) + 1;

    private static void ShouldAgree(SimilarityInfo info, double actual, double expected, string because) =>
        actual.Should().BeApproximately(expected, (expected < NearZero && info.Direction == MetricDirection.LowerIsBetter ? NearZero : Near) * Math.Max(1, Math.Abs(expected)), because);

    [Fact]
    public void Catalogue_HoldsEveryPublicMeasure_WithFactsOfItsOwn()
    {
        IReadOnlyList<ISimilarityMeasure> all = SimilarityMeasures.All();
        IEnumerable<Type> types = typeof(ISimilarityMeasure).Assembly.GetExportedTypes().Where(type => type is { IsClass: true, IsAbstract: false } && typeof(ISimilarityMeasure).IsAssignableFrom(type));
        all.Select(measure => measure.GetType()).Distinct().Should().BeEquivalentTo(types);
        all.Select(measure => measure.Info.Id).Should().OnlyHaveUniqueItems();
        all.Select(measure => measure.Info.Name).Should().OnlyHaveUniqueItems();
        foreach (SimilarityInfo info in all.Select(measure => measure.Info))
        {
            info.Id.Should().MatchRegex("^[a-z][a-z0-9_]*(-[a-z_0-9]+(=([a-z0-9_.]+|\\([a-z0-9_.=-]+\\)))?)*$");
            info.ToMetricInfo().Signature.Should().MatchRegex("^[a-z0-9-]+(\\|[a-z0-9-]+:[^|:]+)*$", info.Id);
            info.Reference.Should().NotBeNullOrWhiteSpace();
            Enum.IsDefined(info.Direction).Should().BeTrue();
            info.Lowest.Should().BeLessThan(info.Highest);
            if (info.IsMetric) (info.IsSymmetric, info.OfItself, info.Direction).Should().Be((true, 0, MetricDirection.LowerIsBetter), info.Id);
            if (info.Invariances.HasFlag(SimilarityInvariances.InvertibleLinear)) info.Invariances.Should().HaveFlag(SimilarityInvariances.Orthogonal | SimilarityInvariances.IsotropicScale | SimilarityInvariances.ColumnPermutation);
        }
        all.Select(measure => measure.Info.ToMetricInfo().Signature).Should().OnlyHaveUniqueItems();
        new RbfCka().Info.ToMetricInfo().Signature.Should().Be("cka|kernel:(rbf-median=nonzero-fraction=1)|hsic:song|form:score");
        new ShapeMetric(0.5).Info.ToMetricInfo().Signature.Should().Be("shape-metric|alpha:0.5|distance:angular");
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Measure_HasTheDeclaredRangeSymmetryAndSelfValue(string id)
    {
        ISimilarityMeasure measure = Measure(id);
        bool differs = false;
        foreach ((long rows, long p, long q) in _shapes)
        {
            using var scope = NewDisposeScope();
            if (!Takes(measure, rows, p, q)) continue;
            (Tensor x, Tensor y) = Pair(rows, p, q, (ulong)(rows + p));
            double value = measure.Measure(x, y), other = measure.Measure(y, x);
            value.Should().BeInRange(measure.Info.Lowest, measure.Info.Highest);
            if (measure.Info.IsSymmetric) other.Should().BeApproximately(value, Near * Math.Max(1, Math.Abs(value)));
            differs |= Math.Abs(other - value) > 1e-6;
            if (measure.Info.OfItself is { } self) ShouldAgree(measure.Info, measure.Measure(x, x), self, $"{rows} × {p} beside itself");
        }
        differs.Should().Be(!measure.Info.IsSymmetric, "a measure that is not symmetric shows it");
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Measure_FeelsAllButTheDeclaredInvariances(string id)
    {
        ISimilarityMeasure measure = Measure(id);
        foreach (SimilarityInvariances change in Enum.GetValues<SimilarityInvariances>().Where(change => change != SimilarityInvariances.None))
        {
            double largest = 0;
            foreach ((long rows, long p, long q) in _shapes)
            {
                using var scope = NewDisposeScope();
                if (!Takes(measure, rows, p, q)) continue;
                (Tensor x, Tensor y) = Pair(rows, p, q, (ulong)(rows + q));
                double value = measure.Measure(x, y);
                using Generator generator = new((ulong)(rows * p));
                Tensor order = randperm(rows, generator: generator);
                foreach ((Tensor a, Tensor b) in change == SimilarityInvariances.RowPermutation
                    ? [(x.index_select(0, order), y.index_select(0, order))]
                    : new[] { (Changed(x, change, generator), y), (x, Changed(y, change, generator)) })
                {
                    double difference = Math.Abs(measure.Measure(a, b) - value) / Math.Max(1, Math.Abs(value));
                    if (measure.Info.Invariances.HasFlag(change)) difference.Should().BeLessThan(Near, $"{change} at {rows} × {p} and {q}");
                    largest = Math.Max(largest, difference);
                }
            }
            if (!measure.Info.Invariances.HasFlag(change)) largest.Should().BeGreaterThan(1e-6, $"{change} is not declared");
        }
    }

    private static Tensor Changed(Tensor latents, SimilarityInvariances change, Generator generator)
    {
        long width = latents.size(1);
        return change switch
        {
            SimilarityInvariances.ColumnPermutation => latents.index_select(1, randperm(width, generator: generator)),
            SimilarityInvariances.Orthogonal => latents.mm(linalg.qr(Normal(generator, width, width)).Q),
            SimilarityInvariances.IsotropicScale => latents * 3,
            SimilarityInvariances.Translation => latents + (Normal(generator, 1, width) * 2),
            _ => latents.mm(Normal(generator, width, width) + (eye(width, dtype: ScalarType.Float64) * 3)),
        };
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Measure_OfDistances_HasTheTriangleInequalityExactlyWhereItSaysSo(string id)
    {
        ISimilarityMeasure measure = Measure(id);
        if (measure.Info.Direction == MetricDirection.HigherIsBetter) return;
        bool broken = false;
        for (ulong seed = 1; seed <= 20; seed++)
        {
            using var scope = NewDisposeScope();
            using Generator generator = new(seed);
            (Tensor x, Tensor z) = Pair(40, 6, 6, seed);
            // Free ones, and one between the other two, where a squared distance fails.
            foreach (Tensor y in (Tensor[])[Normal(generator, 40, 5), (x / x.norm()) + (z / z.norm())])
            {
                double direct = measure.Measure(x, z), way = measure.Measure(x, y) + measure.Measure(y, z);
                if (measure.Info.IsMetric) direct.Should().BeLessThanOrEqualTo(way + Near);
                broken |= direct > way + Near;
            }
        }
        broken.Should().Be(!measure.Info.IsMetric);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Prepare_ServesManyCandidates_ChangesNothingAndLeaksNothing(string id)
    {
        ISimilarityMeasure measure = Measure(id);
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Pair(40, 6, 5, 3);
        (_, Tensor z) = Pair(40, 4, 7, 4);
        Tensor before = x.clone(), single = y.to_type(ScalarType.Float32);
        long live = NoTensorLeaksAttribute.Live();
        using (PreparedLatents reference = measure.Prepare(x))
        using (PreparedLatents first = measure.Prepare(y), second = measure.Prepare(z), third = measure.Prepare(single))
        {
            double value = measure.Measure(reference, first);
            value.Should().Be(measure.Measure(x, y));
            measure.Measure(reference, second).Should().Be(measure.Measure(x, z));
            measure.Measure(reference, third).Should().BeApproximately(value, 2e-2, "float32 is taken too; ranks and neighbours move by a few");
        }
        (NoTensorLeaksAttribute.Live() - live).Should().Be(0);
        x.bytes.SequenceEqual(before.bytes).Should().BeTrue();
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Measure_OfDegenerateRows_RefusesOrGivesANumber(string id)
    {
        ISimilarityMeasure measure = Measure(id);
        SimilarityInfo info = measure.Info;
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Pair(40, 5, 4, 5);
        Tensor constant = cat([y, ones(40, 1, ScalarType.Float64)], 1), twice = cat([y, y], 1), lone = zeros(40, 3, ScalarType.Float64), bits = (y > y.mean()).to_type(ScalarType.Float64);
        lone[7, 1] = 1;
        (Tensor, Tensor)[] pairs =
        [
            (x, constant), (x, twice), (x, lone), (lone, lone), (x, bits), (bits, bits), (x.narrow(1, 0, 1), y.narrow(1, 0, 1)), (x * 1e-100, y), (x * 1e-200, y * 1e200), (eye(40, dtype: ScalarType.Float64), x),
            (x.narrow(0, 0, 4), y.narrow(0, 0, 4)), (x.narrow(0, 0, 3), y.narrow(0, 0, 3)), (x.narrow(0, 0, 2), y.narrow(0, 0, 2)), (x + 1e9, y), (repeat(x, 20), repeat(y, 20)),
        ];
        foreach ((Tensor a, Tensor b) in pairs)
        {
            double value;
            try
            {
                value = measure.Measure(a, b);
            }
            catch (ArgumentException refusal)
            {
                refusal.Message.Should().MatchRegex("^(x|y|pairs|latents) must .*", "the side is named");
                continue;
            }
            value.Should().BeInRange(info.Lowest, info.Highest);
        }

        static Tensor repeat(Tensor rows, long distinct) => rows.narrow(0, 0, distinct).repeat(2, 1);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Prepare_BadRows_IsRefused(string id)
    {
        ISimilarityMeasure measure = Measure(id);
        SimilarityInfo info = measure.Info;
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Pair(40, 5, 4, 6);
        void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);

        Refuses(() => measure.Measure(full([40, 3], 0.1, ScalarType.Float64), y), "x", "x must vary between rows, but all of its 40 rows are the same. A space without variance is like no other.");
        Refuses(() => measure.Measure(x, y.narrow(0, 0, 39)), "y", "y must hold as many rows as x, but the shapes are [40, 5] and [39, 4]. Row i of both must come from the same input.");
        Refuses(() => measure.Prepare(ones(40), "z"), "z", "z must be a matrix [n, d], but its shape is [40]. Flatten each sample: tensor.reshape(n, -1).");
        long few = info.MinimumRows - 1;
        Refuses(() => measure.Prepare(ones(few, 1)), "latents", $"latents must hold at least {info.MinimumRows} rows for {id}, but its shape is [{few}, 1]. Take more images.");
        Tensor holed = x.clone();
        holed[3, 2] = double.NaN;
        Refuses(() => measure.Measure(x, holed), "y", "y must be finite, but 1 of its entries are NaN or infinite, the first in row 3.");
        using PreparedLatents prepared = measure.Prepare(x), foreign = new("other", y, new Dictionary<string, Tensor>()), shorter = measure.Prepare(y.narrow(0, 0, 35));
        Refuses(() => measure.Measure(prepared, foreign), "y", $"y must be prepared by {id}, but it was by other. Call Prepare of this measure.");
        Refuses(() => measure.Measure(prepared, shorter), "y", "y must hold as many rows as x, but the shapes are [40, 5] and [35, 4]. Row i of both must come from the same input.");
        Action nothing = () => measure.Measure(prepared, null!);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("y");
        if (!info.NeedsMoreRowsThanColumns) return;
        Action wide = () => measure.Measure(ones(30, 29) * arange(30).unsqueeze(1), ones(30, 4) * arange(30).unsqueeze(1));
        wide.Should().Throw<ArgumentException>().Which.Message.Should().StartWith("x must have at least two more rows than ");
    }
}
