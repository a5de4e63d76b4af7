using LatentStitching.Adapters.Gans;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;
using LatentStitching.Training;

namespace LatentStitching.Tests.Adapters.Gans;

/// <summary>The published MNIST generator, inverted on digits that people wrote. docs/adapters-gans.md has the numbers of longer runs.</summary>
[NoTensorLeaks]
public sealed class DigitInversionTests
{
    private const string CsinvaWeights = "models/csinva_mnist/gan_mlp_G--300.ckpt";

    [SharedFact(CsinvaWeights)]
    public void Invert_RealDigits_ByAllThreeWays()
    {
        using MlpGan generator = MlpGan.Load(Shared.Path(CsinvaWeights), name: "csinva");
        using Tensor digits = IdxImages.Open(Shared.Path("data/mnist/t10k-images-idx3-ubyte.gz")).Load(0, 32);
        using var recoder = Recoder.Create(new RecoderOptions { Image = generator.Image, LatentDimension = 64, Layers = 2, BaseChannels = 16, Dropout = 0 });
        new RecoderTrainer(new TrainingOptions { Epochs = 1, BatchSize = 50, LearningRate = 2e-3 }) { ImagesPerEpoch = 5000, HeldOut = 200 }.Train(recoder, generator);
        double mean, byRecoder = With(recoder);
        using (Tensor meanDigit = digits.mean([0], keepdim: true)) mean = Error(meanDigit);
        double byOptimisation = With(new LatentOptimisation(new LatentOptimisationOptions { Steps = 100, LearningRate = 0.1 }));
        double byLbfgs = With(new LatentOptimisation(new LatentOptimisationOptions { Optimiser = InversionOptimiser.Lbfgs, Steps = 60, LearningRate = 1 }));
        double byBoth = With(new HybridInversion(recoder, new LatentOptimisation(new LatentOptimisationOptions { Steps = 100, LearningRate = 0.1 })));
        // Seen: 0.062 by the mean digit, then 0.040, 0.034, 0.033 and 0.011.
        byRecoder.Should().BeLessThan(0.8 * mean);
        byOptimisation.Should().BeLessThan(0.7 * mean);
        byLbfgs.Should().BeLessThan(0.7 * mean);
        byBoth.Should().BeLessThan(0.35 * mean).And.BeLessThan(Math.Min(byRecoder, byOptimisation));

        double With(IGanInversion inversion)
        {
            generator.Inversion = inversion;
            using Tensor made = generator.Reconstruct(digits);
            return Error(made);
        }

        double Error(Tensor made)
        {
            using var scope = NewDisposeScope();
            return (made - digits).square().mean().ToDouble();
        }
    }
}
