using LatentStitching.Adapters.Gans;
using LatentStitching.Checkpoints;
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

    // An independent classifier, trained by the same author on real digits, reads the published generator's as digits of all ten classes.
    [SharedFact(CsinvaWeights)]
    public void Samples_AreDigitsToAClassifierThatNeverSawThem()
    {
        using MlpGan generator = MlpGan.Load(Shared.Path(CsinvaWeights));
        using StateDictionary lenet = StateDictionary.Load(Shared.Path("models/csinva_mnist/lenet_epoch=12_test_acc=0.991.pth"));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        IdxImages digits = IdxImages.Open(Shared.Path("data/mnist/t10k-images-idx3-ubyte.gz"), Shared.Path("data/mnist/t10k-labels-idx1-ubyte.gz"));
        Tensor real = Probabilities(digits.Load(0, 1000)), made = Probabilities(generator.Decode(generator.Sample(1000, 1))), noise = Probabilities(rand(1000, 1, 28, 28));
        (double realSure, double madeSure, double noiseSure) = (Sure(real), Sure(made), Sure(noise));
        realSure.Should().BeGreaterThan(0.95, "the classifier is read right");
        madeSure.Should().BeGreaterThan(0.6);
        noiseSure.Should().BeLessThan(madeSure);
        long[] classes = made.argmax(1).bincount(null, 10).data<long>().ToArray();
        classes.Should().OnlyContain(count => count >= 10);

        static double Sure(Tensor probabilities) => probabilities.amax([1]).ge(0.9).to_type(ScalarType.Float32).mean().ToDouble();

        Tensor Probabilities(Tensor images)
        {
            Tensor x = nn.functional.interpolate(images, size: [32, 32], mode: InterpolationMode.Bilinear, align_corners: false);
            x = nn.functional.max_pool2d(Convolve(x, "c1").relu(), 2, 2);
            x = nn.functional.max_pool2d(Convolve(x, "c3").relu(), 2, 2);
            x = Convolve(x, "c5").relu().flatten(1);
            return Linear(Linear(x, "f6").relu(), "f7").softmax(1);
        }

        Tensor Convolve(Tensor x, string layer) => nn.functional.conv2d(x, lenet[$"convnet.{layer}.weight"], lenet[$"convnet.{layer}.bias"]);

        Tensor Linear(Tensor x, string layer) => nn.functional.linear(x, lenet[$"fc.{layer}.weight"], lenet[$"fc.{layer}.bias"]);
    }

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
