using System.Text.Json.Nodes;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Autoencoders;

[NoTensorLeaks]
public sealed class PcaModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pca-").FullName;

    private string ModelPath => Path.Combine(_folder, "pca");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // scikit-learn 1.2.1, PCA(svd_solver="full") on rows of any sign; pixels must lie in [0, 1], so both sides are moved there by one affine change of unit.
    [Theory]
    [InlineData("tall", 5)]
    [InlineData("wide", 11)]
    public void Fit_AgreesWithScikitLearn(string name, int rank)
    {
        using StateDictionary file = Fixture.Load("sklearn/pca_scaler_metrics.safetensors");
        using var scope = NewDisposeScope();
        Tensor x = file[$"{name}.X"], test = file[$"{name}.Xtest"];
        double low = Math.Min(x.min().ToDouble(), test.min().ToDouble()) - 1, span = Math.Max(x.max().ToDouble(), test.max().ToDouble()) + 1 - low;
        TensorImages images = Rows((x - low) / span);
        using PcaModel model = PcaModel.Fit(images, 3);
        (model.Mean.to_type(ScalarType.Float64) * span + low).ShouldBeCloseTo(file[$"{name}.pca.mean"], 1e-6);
        double[] expected = file[$"{name}.pca.explained_variance"].data<double>().ToArray();
        for (int k = 0; k < 3; k++) (model.ExplainedVariance[k] * span * span).Should().BeApproximately(expected[k], 1e-5 * expected[0]);
        (model.TotalVariance * span * span).Should().BeApproximately(expected.Sum(), 1e-5 * expected[0]);
        model.Components.abs().ShouldBeCloseTo(file[$"{name}.pca.abs_components"].narrow(0, 0, 3), 1e-4);
        Tensor made = model.Reconstruct(((test - low) / span).reshape(-1, 1, 1, x.size(1)));
        Tensor wanted = ((file[$"{name}.pca.reconstruct3"] - low) / span).clamp(0, 1);
        made.flatten(1).ShouldBeCloseTo(wanted, 1e-5);

        using PcaModel all = PcaModel.Fit(images, rank);
        all.ExplainedVariance.Should().BeInDescendingOrder();
        all.Components.abs().ShouldBeCloseTo(file[$"{name}.pca.abs_components"], 1e-3);
    }

    [Fact]
    public void Fit_Components_AreOrthonormalWithTheirLargestEntryPositive()
    {
        using PcaModel model = PcaModel.Fit(Toy.Images(60), 6);
        using var scope = NewDisposeScope();
        model.Components.mm(model.Components.t()).ShouldBeCloseTo(eye(6), 1e-6);
        Tensor largest = model.Components.gather(1, model.Components.abs().argmax(1, keepdim: true));
        largest.gt(0).all().ToBoolean().Should().BeTrue();
        model.ExplainedVariance.Sum().Should().BeApproximately(model.TotalVariance, 1e-9);
        model.ToString().Should().Be("pca: 1×2×3 ↔ 6");
    }

    [Fact]
    public void Encode_Scores_HaveTheExplainedVarianceAndNoCorrelation()
    {
        TensorImages images = Toy.Images(60);
        using PcaModel model = PcaModel.Fit(images, 4);
        using var scope = NewDisposeScope();
        Tensor scores = model.Encode(images.LoadAll()).to_type(ScalarType.Float64);
        scores.mean([0]).abs().max().ToDouble().Should().BeLessThan(1e-6);
        Tensor covariance = scores.t().mm(scores) / 59;
        covariance.ShouldBeCloseTo(diag(tensor(model.ExplainedVariance.ToArray())), 1e-5);
    }

    [Fact]
    public void Reconstruct_MoreComponents_LoseLess_AllLoseNothing()
    {
        TensorImages images = Toy.Images(60);
        using var scope = NewDisposeScope();
        Tensor x = images.LoadAll();
        double last = double.PositiveInfinity;
        for (int k = 1; k <= 6; k++)
        {
            using PcaModel model = PcaModel.Fit(images, k);
            double error = (model.Reconstruct(x) - x).square().mean().ToDouble();
            error.Should().BeLessThan(last);
            last = error;
        }
        last.Should().BeLessThan(1e-12);
    }

    [Fact]
    public void Fit_LargeSets_TheRandomisedSearchFindsTheExactComponents()
    {
        const int count = 1100, side = 33, rank = 8;
        // Forty directions of falling scale around grey, and 33 × 33 pixels: past the 1,024 up to which the fit is exact.
        TensorImages images;
        double[] exact;
        using var scope = NewDisposeScope();
        using (Generator generator = new(11))
        {
            Tensor scores = randn([count, 40], ScalarType.Float64, generator: generator) * pow(0.8, arange(40, ScalarType.Float64));
            Tensor rows = scores.mm(linalg.qr(randn([side * side, 40], ScalarType.Float64, generator: generator)).Q.t()) * 0.5 + 0.5;
            rows.min().ToDouble().Should().BeGreaterThan(0);
            images = new TensorImages("decaying", rows.to_type(ScalarType.Float32).flatten().data<float>().ToArray(), ImageFormat.Grey(side));
        }
        Tensor centred = images.LoadAll().flatten(1).to_type(ScalarType.Float64);
        centred -= centred.mean([0]);
        (_, Tensor singular, Tensor vh) = linalg.svd(centred, fullMatrices: false);
        exact = (singular.square() / (count - 1)).data<double>().ToArray();

        using PcaModel model = PcaModel.Fit(images, rank, seed: 1), again = PcaModel.Fit(images, rank, seed: 1), other = PcaModel.Fit(images, rank, seed: 2);
        // Float32 products: a relative error of 1e-5 in the variances and of 1e-3 in the directions.
        for (int k = 0; k < rank; k++) (model.ExplainedVariance[k] / exact[k]).Should().BeApproximately(1, 1e-5);
        model.Components.abs().ShouldBeCloseTo(vh.narrow(0, 0, rank).abs(), 1e-3);
        model.Components.mm(model.Components.t()).ShouldBeCloseTo(eye(rank), 1e-5);
        model.TotalVariance.Should().BeApproximately(exact.Sum(), 1e-6 * exact.Sum());
        again.Components.bytes.SequenceEqual(model.Components.bytes).Should().BeTrue();
        other.Components.ShouldBeCloseTo(model.Components, 1e-3);
    }

    [Fact]
    public void Sample_HasTheExplainedVariance()
    {
        using PcaModel model = PcaModel.Fit(Toy.Images(60), 4);
        using var scope = NewDisposeScope();
        Tensor drawn = model.Sample(20000, 3).to_type(ScalarType.Float64);
        Tensor variance = tensor(model.ExplainedVariance.ToArray());
        // Four standard errors of a mean and of a variance of 20,000 normal draws.
        (drawn.mean([0]) / variance.sqrt()).abs().max().ToDouble().Should().BeLessThan(4 / Math.Sqrt(20000));
        (drawn.square().mean([0]) / variance - 1).abs().max().ToDouble().Should().BeLessThan(4 * Math.Sqrt(2.0 / 20000));
    }

    [Fact]
    public void Save_ThenLoad_IsTheSameModel()
    {
        using PcaModel model = PcaModel.Fit(Toy.Images(60), 4, "faces");
        long before = NoTensorLeaksAttribute.Live();
        model.Save(ModelPath);
        using var loaded = (PcaModel)LatentModel.Load(ModelPath);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        loaded.Name.Should().Be("faces");
        loaded.Image.Should().Be(Toy.Format);
        loaded.ExplainedVariance.Should().Equal(model.ExplainedVariance);
        loaded.TotalVariance.Should().Be(model.TotalVariance);
        loaded.Components.bytes.SequenceEqual(model.Components.bytes).Should().BeTrue();
        loaded.Mean.bytes.SequenceEqual(model.Mean.bytes).Should().BeTrue();
        using var scope = NewDisposeScope();
        Tensor images = Toy.Images(20, seed: 5).LoadAll();
        loaded.Encode(images).bytes.SequenceEqual(model.Encode(images).bytes).Should().BeTrue();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(-1)]
    public void Fit_DimensionOutsideItsRange_Throws(long dimension)
    {
        Action act = () => PcaModel.Fit(Toy.Images(60), dimension);
        act.ShouldRefuse("dimension", $"dimension must lie from 1 to 6, the lesser of the images less one and the pixels of one, but it is {dimension}.");
        act.Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Fit_BadImages_Throws()
    {
        Action few = () => PcaModel.Fit(Toy.Images(3), 3);
        few.ShouldRefuse("dimension", "dimension must lie from 1 to 2, the lesser of the images less one and the pixels of one, but it is 3.");
        float[] tenths = new float[60];
        Array.Fill(tenths, 0.1f);
        Action same = () => PcaModel.Fit(new TensorImages("same", tenths, Toy.Format), 2);
        same.ShouldRefuse("images", "images must differ, but all 10 of them are the same.");
        Action nothing = () => PcaModel.Fit(null!, 2);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("images");
        Action blank = () => PcaModel.Fit(Toy.Images(9), 2, " ");
        blank.ShouldRefuse("name", "name must not be blank.");
    }

    [Fact]
    public void Load_MissingTensor_NamesIt()
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> parts = Parts();
        parts.Remove("components");
        Refuses(parts, $"{ModelPath} must hold the tensor 'components' of a PCA model, but it holds mean, total_variance, variance.");
    }

    [Theory]
    [InlineData("mean", 5L)]
    [InlineData("components", 4L, 5L)]
    [InlineData("components", 24L)]
    [InlineData("variance", 3L)]
    [InlineData("total_variance", 2L)]
    public void Load_ShapesThatDoNotFit_Throws(string name, params long[] shape)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> parts = Parts();
        parts[name] = ones(shape, parts[name].dtype);
        Refuses(parts, $"{ModelPath} must hold a well-formed PCA model, but the shapes or types of its tensors do not fit together.");
    }

    [Theory]
    [InlineData("variance", ScalarType.Float32)]
    [InlineData("components", ScalarType.Int64)]
    [InlineData("mean", ScalarType.Byte)]
    public void Load_TypesThatDoNotFit_Throws(string name, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> parts = Parts();
        parts[name] = parts[name].to_type(dtype);
        Refuses(parts, $"{ModelPath} must hold a well-formed PCA model, but the shapes or types of its tensors do not fit together.");
    }

    [Fact]
    public void Load_NoImageSize_Throws()
    {
        using var scope = NewDisposeScope();
        Refuses(Parts(), $"config.json in '{ModelPath}' is not that of a model: 'image' must be three positive numbers.", -1);
    }

    private static Dictionary<string, Tensor> Parts() => new()
    {
        ["components"] = eye(4, 6),
        ["mean"] = zeros(6),
        ["total_variance"] = tensor(4.0),
        ["variance"] = ones(4, ScalarType.Float64),
    };

    // A folder whose description is right and whose tensors are not.
    private void Refuses(Dictionary<string, Tensor> parts, string text, long channels = 1)
    {
        using DelegateLatentModel model = Toy.Linear("toy", 1);
        ModelFolder.Write(ModelPath, model, new ModelDescription(PcaModel.Kind, new JsonObject { ["image"] = new JsonArray(channels, 2, 3) }, [.. parts.Select(part => (part.Key, part.Value))]), null);
        Action act = () => LatentModel.Load(ModelPath);
        act.ShouldSay<InvalidDataException>(text);
    }

    private static TensorImages Rows(Tensor rows) =>
        new("rows", rows.to_type(ScalarType.Float32).flatten().data<float>().ToArray(), new ImageFormat(1, 1, rows.size(1)));
}
