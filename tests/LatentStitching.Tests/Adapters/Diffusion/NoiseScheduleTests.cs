using LatentStitching.Adapters.Diffusion;
using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Diffusion;

[NoTensorLeaks]
public sealed class NoiseScheduleTests
{
    // The published schedules of 50 times, float64.
    [Theory]
    [InlineData("linear")]
    [InlineData("quad")]
    [InlineData("const")]
    [InlineData("sigmoid")]
    public void Betas_AgreeWithDdimsCode(string name)
    {
        using StateDictionary fixture = Fixture.Load("ddim_unet/schedules.safetensors");
        NoiseSchedule schedule = name switch
        {
            "linear" => NoiseSchedule.Linear(50),
            "quad" => NoiseSchedule.ScaledLinear(50),
            "const" => NoiseSchedule.Constant(50),
            _ => NoiseSchedule.Sigmoid(50),
        };
        schedule.Betas.Zip(fixture["out." + name].data<double>().ToArray()).Should().HaveCount(50).And.OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 1e-15);
    }

    [Theory]
    [InlineData(0, 0.9999)]
    [InlineData(20, 0.9937354)]
    [InlineData(500, 0.0777967)]
    [InlineData(960, 8.741305e-5)]
    [InlineData(980, 5.903751e-5)]
    [InlineData(999, 4.035830e-5)]
    public void AlphaBars_OfTheLinearSchedule_AreTheKnownOnes(int time, double expected) =>
        NoiseSchedule.Linear().AlphaBars[time].Should().BeApproximately(expected, 2e-6 * expected);

    // compute_alpha works in float32, one product after the other.
    [Fact]
    public void AlphaBars_AgreeWithComputeAlpha()
    {
        using StateDictionary fixture = Fixture.Load("ddim_unet/schedules.safetensors");
        NoiseSchedule schedule = NoiseSchedule.Linear();
        IEnumerable<(long Time, float Expected)> pairs = fixture["in.t"].data<long>().ToArray().Zip(fixture["out.compute_alpha"].data<float>().ToArray());
        foreach ((long time, float expected) in pairs) (time < 0 ? 1 : schedule.AlphaBars[(int)time]).Should().BeApproximately(expected, 1e-5 * expected);
    }

    // ᾱ telescopes to f(t)/f(0) wherever no β was held at 0.999.
    [Fact]
    public void Cosine_AlphaBars_AreThePapersCurve()
    {
        NoiseSchedule schedule = NoiseSchedule.Cosine(1000);
        foreach (int t in (int[])[0, 10, 500, 990])
        {
            double expected = Math.Pow(Math.Cos((((t + 1) / 1000.0) + 0.008) / 1.008 * Math.PI / 2), 2) / Math.Pow(Math.Cos(0.008 / 1.008 * Math.PI / 2), 2);
            schedule.AlphaBars[t].Should().BeApproximately(expected, 1e-12);
        }
        schedule.Betas.Max().Should().Be(0.999);
    }

    [Fact]
    public void FromBetas_KeepsThem_AndItsName()
    {
        NoiseSchedule given = NoiseSchedule.FromBetas([0.1, 0.5, 0.2]);
        given.AlphaBars.Should().HaveCount(3);
        given.AlphaBars[2].Should().BeApproximately(0.9 * 0.5 * 0.8, 1e-15);
        given.ToString().Should().Be("given 3");
        NoiseSchedule.Linear().ToString().Should().Be("linear 1000 0.0001 0.02");
        NoiseSchedule.Cosine(10).Name.Should().Be("cosine 10 0.008");
        NoiseSchedule.Constant(10, 0.5).Name.Should().Be("constant 10 0.5");
    }

    [Fact]
    public void BadNumbers_AreRefusedInWords()
    {
        Refuses(() => NoiseSchedule.Linear(1), "steps", "steps must be at least 2, but it is 1.");
        Refuses(() => NoiseSchedule.ScaledLinear(10, 0), "start", "start must lie strictly between 0 and 1, but it is 0.");
        Refuses(() => NoiseSchedule.Sigmoid(10, 0.1, 1), "end", "end must lie strictly between 0 and 1, but it is 1.");
        Refuses(() => NoiseSchedule.Constant(10, 2), "beta", "beta must lie strictly between 0 and 1, but it is 2.");
        Refuses(() => NoiseSchedule.Cosine(10, -1), "offset", "offset must be positive and finite, but it is -1.");
        Refuses(() => NoiseSchedule.FromBetas([0.1]), "betas", "betas must hold at least two numbers, but it holds 1.");
        Refuses(() => NoiseSchedule.FromBetas([0.1, double.NaN]), "betas", "betas must lie strictly between 0 and 1, but entry 1 is NaN.");

        static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
    }
}
