using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Checkpoints;

[NoTensorLeaks]
public sealed class RealCheckpointTests
{
    [SharedTheory("models/disentangling-vae")]
    [InlineData("VAE_celeba", 504_055)]
    [InlineData("betaH_celeba", 504_055)]
    [InlineData("betaB_celeba", 504_055)]
    [InlineData("btcvae_celeba", 504_055)]
    [InlineData("VAE_mnist", 469_173)]
    [InlineData("betaH_mnist", 469_173)]
    [InlineData("betaB_mnist", 469_173)]
    [InlineData("btcvae_mnist", 469_173)]
    public void Load_DisentanglingVae_HoldsItsParameters(string name, long parameters)
    {
        using StateDictionary state = StateDictionary.Load(Shared.Path($"models/disentangling-vae/{name}/model.pt"));
        Elements(state).Should().Be(parameters);
        AreFinite(state).Should().BeTrue();
        state["encoder.mu_logvar_gen.weight"].shape.Should().Equal(20, 256);
    }

    [SharedTheory("models/taesd")]
    [InlineData("taef2_encoder.pth")]
    [InlineData("taef2_decoder.pth")]
    [InlineData("taesana_encoder.pth")]
    public void Load_TinyAutoencoder_KeepsHalfPrecision(string name)
    {
        using StateDictionary state = StateDictionary.Load(Shared.Path($"models/taesd/{name}"));
        Elements(state).Should().BeGreaterThan(1_000_000);
        state.Names.Should().OnlyContain(key => state[key].dtype == ScalarType.Float16);
        AreFinite(state).Should().BeTrue();
    }

    [SharedTheory("models/csinva_mnist")]
    [InlineData("vae_epoch_25.pth", 652_824)]
    [InlineData("gan_mlp_G--300.ckpt", 283_920)]
    [InlineData("lenet_epoch=12_test_acc=0.991.pth", 61_706)]
    public void Load_CsinvaMnist_HoldsItsParameters(string name, long parameters)
    {
        using StateDictionary state = StateDictionary.Load(Shared.Path($"models/csinva_mnist/{name}"));
        Elements(state).Should().Be(parameters);
        AreFinite(state).Should().BeTrue();
    }

    [SharedTheory("models/resnet_cifar10")]
    [InlineData("resnet20-12fca82f.th", 269_722)]
    [InlineData("resnet32-d509ac18.th", 464_154)]
    public void Load_ResNetCifar10_HoldsItsParametersUnderItsContainer(string name, long parameters)
    {
        using StateDictionary wrapped = StateDictionary.Load(Shared.Path($"models/resnet_cifar10/{name}"), "state_dict");
        using StateDictionary state = wrapped.WithoutPrefix("module.");
        long buffers = state.Names.Where(key => key.Contains("running_", StringComparison.Ordinal) || key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            .Sum(key => state[key].numel());
        (Elements(state) - buffers).Should().Be(parameters);
        AreFinite(state).Should().BeTrue();
    }

    [SharedTheory("models/lpips")]
    [InlineData("lpips/alex.pth", 1_152)]
    [InlineData("lpips/vgg.pth", 1_472)]
    [InlineData("lpips/squeeze.pth", 2_240)]
    [InlineData("ddpm_mnist/ddpm_mnist_starter.pth", null)]
    [InlineData("squeezenet1_1/squeezenet1_1.torchvision.fp16.safetensors", 1_235_496)]
    [InlineData("squeezenet1_1/squeezenet1_1.caffe_keras_notop.fp16.safetensors", null)]
    public void Load_OtherModels_HoldFiniteNumbers(string name, int? elements)
    {
        using StateDictionary state = StateDictionary.Load(Shared.Path($"models/{name}"));
        state.Count.Should().BePositive();
        AreFinite(state).Should().BeTrue();
        if (elements is { } count) Elements(state).Should().Be(count);
    }

    private static long Elements(StateDictionary state) => state.Names.Sum(name => state[name].numel());

    private static bool AreFinite(StateDictionary state)
    {
        using var scope = NewDisposeScope();
        return state.Names.All(name => state[name].isfinite().all().ToBoolean());
    }
}
