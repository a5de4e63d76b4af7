using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Editing;
using LatentStitching.Fitting;
using LatentStitching.Models;
using LatentStitching.Probing;
using LatentStitching.Reporting;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Editing;

[NoTensorLeaks]
public sealed class LatentEditTests
{
    // Latent = the three pixels, kept in [0, 1] by the data: what is decoded is what was moved.
    private static DelegateLatentModel Identity() => LatentModel.FromFunctions("identity", new ImageFormat(1, 1, 3), LatentSpace.Vector(3), images => images.flatten(1).clone(), latents => latents.reshape(-1, 1, 1, 3).clamp(0, 1));

    private static Tensor Middle(int rows)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(2);
        return rand([rows, 3], ScalarType.Float32, generator: generator).mul(0.2).add(0.4).MoveToOuterDisposeScope();
    }

    [Theory]
    [InlineData(ProbeDecision.Sign, 1)]
    [InlineData(ProbeDecision.Rounding, 0.5)]
    public void Strength_IsMarginsOfTheProbe(ProbeDecision decision, double margin)
    {
        using var scope = NewDisposeScope();
        using ILatentModel model = Identity();
        using LinearProbes probes = new(["a", "b"], tensor(new double[,] { { 3, 4, 0 }, { 0, 10, 0 } }), tensor((double[])[-3.5, -5]), decision);
        using LatentDirections native = Directions.FromProbes(probes), other = new(["a"], tensor(new double[,] { { 0, 0, 2 } }).add(tensor(new double[,] { { 3, 0, 0 } })));
        using LatentEdit edit = new(model, probes, native, "a"), carried = new(model, probes, other, "a");
        Tensor latents = Middle(4);
        edit.StepLength.Should().BeApproximately(margin / 5, 1e-15);
        edit.Cosine.Should().BeApproximately(1, 1e-15);
        carried.Cosine.Should().BeApproximately(3 * 3 / 5.0 / Math.Sqrt(13), 1e-15);
        probes.Scores(edit.Latents(latents, 0.3)).sub(probes.Scores(latents)).select(1, 0).sub(0.3 * margin).abs().max().ToDouble().Should().BeLessThan(1e-6);
        // Carried directions go as far, and achieve their cosine.
        carried.Latents(latents, 0.3).sub(latents).norm(1).sub(0.3 * margin / 5).abs().max().ToDouble().Should().BeLessThan(1e-6);
        probes.Scores(carried.Latents(latents, 0.3)).sub(probes.Scores(latents)).select(1, 0).sub(0.3 * margin * carried.Cosine).abs().max().ToDouble().Should().BeLessThan(1e-6);
        edit.Latents(latents, 0.3).dtype.Should().Be(ScalarType.Float32);
        edit.ToString().Should().Be("a on identity, cosine 1.00 to its probe");
    }

    [Fact]
    public void Measure_TellsChangesLeakageAndPixels()
    {
        using var scope = NewDisposeScope();
        using ILatentModel model = Identity();
        using LinearProbes probes = new(["a", "b", "c"], tensor(new double[,] { { 10, 0, 0 }, { 6, 8, 0 }, { 0, 0, 10 } }), tensor((double[])[-5, -7, -5]));
        using LatentDirections directions = Directions.FromProbes(probes);
        using LatentEdit edit = new(model, probes, directions, "a");
        Tensor latents = Middle(100);
        EditReport report = edit.Measure(latents, 1.5);
        // 1.5 margins are 0.15 along the first pixel, and 0.6 of that along b's normal.
        report.TargetChange.Value.Should().BeApproximately(1.5, 1e-5);
        report.Changes[1].Change.Value.Should().BeApproximately(0.9, 1e-5);
        report.Changes[2].Change.Value.Should().BeApproximately(0, 1e-6);
        report.LatentChanges.Select(change => change.Change).Should().Equal([1.5, 0.9, 0], (actual, expected) => Math.Abs(actual - expected) < 1e-12);
        report.Leakage.Should().BeApproximately(0.9 / Math.Sqrt(2) / 1.5, 1e-5);
        report.PixelChange.Value.Should().BeApproximately(0.15 * 0.15 / 3, 1e-6);
        int against = latents.select(1, 0).le(0.5).sum().ToInt32();
        report.Against.Should().BeInRange(against - 1, against + 1);
        report.Crossed.Should().Be(report.Against);
        report.Cosine.Should().Be(1);
        report.ToString().Should().StartWith("a +1.5 on identity, ");
        Tensor first = latents.select(1, 0).to_type(ScalarType.Float64);
        report.Deviations.Should().BeApproximately(0.15 / Math.Sqrt(first.sub(first.mean()).square().sum().ToDouble() / 99), 1e-10);
        report.TargetChange.Signature.Should().Be("attribute-change|judge:identity|n:100|ci:bca-bootstrap-2000");

        using LatentDirections a = directions.Select("a"), b = directions.Select("b"), conditioned = a.Conditioned(b);
        using LatentEdit clean = new(model, probes, conditioned, "a");
        EditReport cleaner = clean.Measure(latents, 1.5);
        cleaner.Changes[1].Change.Value.Should().BeApproximately(0, 1e-5);
        cleaner.TargetChange.Value.Should().BeApproximately(1.5 * 0.8, 1e-5, "sin of the angle between the two is left");
    }

    [Fact]
    public void SaveStrip_WritesAPicture()
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        using ILatentModel model = Identity();
        using LinearProbes probes = new(["a"], tensor(new double[,] { { 10, 0, 0 } }), zeros(1));
        using LatentDirections directions = Directions.FromProbes(probes);
        using LatentEdit edit = new(model, probes, directions, "a");
        string path = folder["strip.png"];
        edit.SaveStrip(path, Middle(2), [-1, 0, 1], new ImageGridOptions { Scale = 4 });
        new FileInfo(path).Length.Should().BeGreaterThan(100);
        Action none = () => edit.SaveStrip(path, Middle(2), []);
        none.ShouldRefuse("strengths", "strengths must hold at least one entry, but it is empty. Pass the strengths to draw.");
    }

    [Fact]
    public void ProceduralFaces_CarriedDirectionChangesTheRightFactorMost()
    {
        using var scope = NewDisposeScope();
        ProceduralFaces faces = new(700, 32);
        var split = DataSplit.Create(700, 300, 300, 100, seed: 1);
        using PcaModel source = PcaModel.Fit(faces.Select(split.MapTrain), 40), target = PcaModel.Fit(new ProceduralFaces(300, 32, seed: 9), 60, "other");
        using LatentMapFit map = Stitcher.Fit(source.Encode(faces.Load(split.MapTrain)), target.Encode(faces.Load(split.MapTrain)));
        Tensor images = faces.Load(split.ProbeTrain), factors = faces.Factors(split.ProbeTrain).to_type(ScalarType.Float64);
        string[] names = ["yaw", "melanin", "background_lightness", "clothes_lightness", "light_azimuth", "head_size"];
        int[] columns = [.. names.Select(name => ProceduralFaces.FactorNames.ToList().IndexOf(name))];
        // In standard deviations, so that degrees and shares compare.
        Tensor wanted = factors.index_select(1, tensor(columns.Select(column => (long)column).ToArray()));
        wanted = wanted - wanted.mean([0], keepdim: true);
        wanted = wanted / wanted.square().mean([0], keepdim: true).sqrt();

        // The judge reads true factors off the pixels' principal components, and knows neither model.
        using PcaModel eye = PcaModel.Fit(new ProceduralFaces(300, 32, seed: 5), 100, "eye");
        using LatentMapFit reading = Stitcher.Fit(eye.Encode(images), wanted.to_type(ScalarType.Float32));
        EditJudge judge = new("ground truth", names, pictures =>
        {
            using Tensor seen = eye.Encode(pictures);
            return reading.Map.Apply(seen);
        });

        Tensor sourceLatents = source.Encode(images), targetLatents = target.Encode(images), test = target.Encode(faces.Load(split.Test));
        using LatentDirections found = Directions.FromRegression(sourceLatents, wanted, names), native = Directions.FromRegression(targetLatents, wanted, names), carried = found.Through(map.Affine);
        using LatentMapFit probeFit = Stitcher.Fit(targetLatents, wanted.to_type(ScalarType.Float32));
        using LinearProbes probes = new(names, probeFit.Affine.Weight, probeFit.Affine.Bias);
        Tensor cosines = carried.Cosines(native);
        for (int i = 0; i < names.Length; i++)
        {
            cosines[i].argmax().ToInt64().Should().Be(i, names[i]);
            cosines[i, i].ToDouble().Should().BeGreaterThan(0.9, names[i]);
            if (i is not (0 or 1 or 2 or 3)) continue;
            using LatentEdit edit = new(target, probes, carried, names[i]);
            EditReport report = edit.Measure(test, 0.5, judge);
            double own = report.TargetChange.Value, most = report.Changes.Where(change => change.Name != names[i]).Max(change => Math.Abs(change.Change.Value));
            own.Should().BeGreaterThan(1.5 * most, report.ToString());
        }
    }

    [SharedFact("data/celeba/img_align_celeba_5000.zip")]
    public void PretrainedVaes_CarriedDirectionsAreTheirTargetsOwn()
    {
        using var scope = NewDisposeScope();
        using Vae source = Vae.Load(Shared.Path("models/disentangling-vae/VAE_celeba/model.pt")), target = Vae.Load(Shared.Path("models/disentangling-vae/btcvae_celeba/model.pt"));
        using CelebA faces = CelebA.Open(Shared.Path("data/celeba/img_align_celeba_5000.zip"), Shared.Path("data/celeba/attributes.csv"), ImageGeometry.Squash(64));
        var split = DataSplit.Create(800, 400, 400, 0, seed: 1);
        string[] names = ["Blond_Hair", "Smiling", "Male", "Eyeglasses"];
        Tensor fitted = faces.Load(split.MapTrain), probed = faces.Load(split.ProbeTrain);
        using LatentMapFit map = Stitcher.Fit(source.Encode(fitted), target.Encode(fitted));
        ProbeLabels labels = ProbeLabels.Of(faces.Attributes!, names).Select(split.ProbeTrain);
        using LatentDirections found = Directions.FromClassMeans(source.Encode(probed), labels), native = Directions.FromClassMeans(target.Encode(probed), labels), carried = found.Through(map.Affine);
        Tensor cosines = carried.Cosines(native);
        for (int i = 0; i < names.Length; i++)
        {
            cosines[i].argmax().ToInt64().Should().Be(i, names[i]);
            cosines[i, i].ToDouble().Should().BeGreaterThan(0.85, names[i]);
        }
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        using ILatentModel model = Identity();
        using LinearProbes probes = new(["a", "flat"], tensor(new double[,] { { 1, 0, 0 }, { 0, 0, 0 } }), zeros(2)), narrow = new(["a"], ones(1, 2), zeros(1));
        using LatentDirections directions = new(["a", "flat", "z"], eye(3)), two = new(["a"], ones(1, 2));
        Action width = () => _ = new LatentEdit(model, narrow, two, "a"), directionWidth = () => _ = new LatentEdit(model, probes, two, "a"), noDirection = () => _ = new LatentEdit(model, probes, directions, "b"),
            noProbe = () => _ = new LatentEdit(model, probes, directions, "z"), flat = () => _ = new LatentEdit(model, probes, directions, "flat");
        width.ShouldRefuse("probes", "probes must have 3 columns, the latent width of identity, but they have 2.");
        directionWidth.ShouldRefuse("directions", "directions must have 3 columns, the width of the probes, but they have 2.");
        noDirection.ShouldRefuse("name", "name must be one of the directions a, flat, z, but it is 'b'.");
        noProbe.ShouldRefuse("attribute", "attribute must be one of the probes a, flat, but it is 'z'.");
        flat.ShouldRefuse("probes", "probes must have a normal for 'flat', but all of its coefficients are 0.");
        using LatentEdit edit = new(model, probes, directions, "a");
        Tensor latents = Middle(2);
        Action infinite = () => edit.Latents(latents, double.PositiveInfinity), still = () => edit.Measure(latents, 0), judge = () => edit.Measure(latents, 1, new EditJudge("j", ["b"], images => zeros(2, 1)));
        infinite.ShouldRefuse("strength", "strength must be finite, but it is Infinity.");
        still.ShouldRefuse("strength", "strength must not be 0: nothing would change.");
        judge.ShouldRefuse("judge", "judge must score 'a', but it scores b.");
        Action shape = () => edit.Measure(latents, 1, new EditJudge("j", ["a"], images => zeros(1, 1))), nan = () => edit.Measure(latents, 1, new EditJudge("j", ["a"], images => full([2, 1], double.NaN))), nothing = () => _ = new EditJudge("j", [], images => images);
        shape.ShouldSay<InvalidOperationException>("The judge 'j' must give scores [2, 1], but it gave [1, 1].");
        nan.ShouldSay<InvalidOperationException>("The judge 'j' must give finite scores, but some are NaN or infinite.");
        nothing.ShouldRefuse("attributes", "attributes must hold at least one entry, but it is empty. Name what the judge scores.");
        Action cancelled = () => edit.Measure(latents, 1, cancellationToken: new CancellationToken(canceled: true));
        cancelled.Should().Throw<OperationCanceledException>();
        edit.Dispose();
        Action disposed = () => edit.Latents(latents, 1);
        disposed.Should().Throw<ObjectDisposedException>();
    }
}
