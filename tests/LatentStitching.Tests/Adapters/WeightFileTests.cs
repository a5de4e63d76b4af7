using System.Text;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Adapters.Gans;
using LatentStitching.Checkpoints;
using LatentStitching.Latents;
using LatentStitching.Models;
using LatentStitching.Tests.Adapters.Autoencoders;
using LatentStitching.Tests.Adapters.Diffusion;
using LatentStitching.Tests.Adapters.Gans;
using LatentStitching.Tests.Checkpoints;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters;

/// <summary>What every adapter's Load does with checkpoints that hold more than weights, or weights of other shapes.</summary>
[NoTensorLeaks]
public sealed class WeightFileTests
{
    private delegate IDisposable Opener(string path, string? container);

    private static (string What, IDisposable Model, IReadOnlyList<(string Name, Tensor Tensor)> Weights, Opener Open)[] Cases()
    {
        Vae vae = Vae.Create(new VaeOptions { Image = ImageFormat.Grey(32), Seed = 5 });
        MlpVae mlp = Small.Mlp();
        AspertiVae asperti = Small.Asperti();
        SplitVae split = Small.Split();
        Autoencoder autoencoder = Small.Autoencoder();
        MlpGan dense = MlpGan.Create(new MlpGanOptions { Image = ImageFormat.Grey(4), LatentDimension = 3, HiddenWidth = 4 });
        Gan gan = Gan.Create(new GanOptions { Image = ImageFormat.Rgb(8), LatentDimension = 4, Layers = 1, BaseChannels = 2, SeedChannels = 4 });
        RecoderOptions layout = new() { Image = ImageFormat.Grey(4), LatentDimension = 3, Layers = 1, BaseChannels = 2 };
        Recoder recoder = Recoder.Create(layout);
        ConvolutionalDenoiser denoiser = ConvolutionalDenoiser.Create(new ConvolutionalDenoiserOptions { Image = ImageFormat.Grey(6), HiddenChannels = [2] });
        DiffusionUNet network = DiffusionUNet.Create(DiffusionUNetTests.Tiny);
        VqVae quantised = VqVae.Create(VqVaeOptions.Small32);
        StyleGan2 style = StyleGan2Toy.Model(new StyleGan2Decoding());
        return
        [
            ("Vae", vae, vae.Network.Weights.All, (path, container) => Vae.Load(path, "x", container)),
            ("MlpVae", mlp, mlp.Network.Weights.All, (path, container) => MlpVae.Load(path, mlp.Image, "x", container)),
            ("AspertiVae", asperti, asperti.Network.Weights.All, (path, container) => AspertiVae.Load(path, asperti.Image, "x", container)),
            ("SplitVae", split, split.Network.Weights.All, (path, container) => SplitVae.Load(path, "x", container)),
            ("Autoencoder", autoencoder, autoencoder.Weights.All, (path, container) => Autoencoder.Load(path, autoencoder.Image, "x", container)),
            ("MlpGan", dense, dense.Weights.All, (path, container) => MlpGan.Load(path, dense.Image, "x", container)),
            ("Gan", gan, gan.Weights.All, (path, container) => Gan.Load(path, "x", container)),
            ("Recoder", recoder, recoder.Weights.All, (path, container) => Recoder.Load(path, layout, container)),
            ("ConvolutionalDenoiser", denoiser, denoiser.Weights.All, (path, container) => ConvolutionalDenoiser.Load(path, container)),
            ("DiffusionUNet", network, network.Weights.All, (path, container) => DiffusionUNet.Load(path, network.Image, container)),
            ("VqVae", quantised, quantised.Network.Weights.All, (path, container) => VqVae.Load(path, quantised.Image, "x", container)),
            ("StyleGan2", style, style.Weights.All, (path, container) => StyleGan2.Load(path, container: container)),
        ];
    }

    [Fact]
    public void Load_AContainerOfNamesBehindModule_GivesTheSameWeights()
    {
        foreach ((string what, IDisposable model, IReadOnlyList<(string Name, Tensor Tensor)> weights, Opener open) in Cases())
        {
            using (model)
            {
                CheckpointFiles.With(Nested("state_dict", "module.", weights), path =>
                {
                    using IDisposable opened = open(path, "state_dict");
                    ModelFingerprint.OfWeights(WeightsOf(opened)).Should().Be(ModelFingerprint.OfWeights(weights), what);
                    Action plain = () => open(path, null).Dispose();
                    plain.Should().Throw<ArgumentException>(what).WithMessage("container must be given for *'state_dict'*");
                });
            }
        }
    }

    // Each weight once with an axis less, once with one more, once with none of its numbers: the text names the file, and nothing is kept.
    [Fact]
    public void Load_MisshapenWeights_IsRefusedWithTheFile()
    {
        using TempFolder folder = new();
        foreach ((string what, IDisposable model, IReadOnlyList<(string Name, Tensor Tensor)> weights, Opener open) in Cases())
        {
            using (model)
            {
                foreach (int index in Enumerable.Range(0, weights.Count).Where(i => i < 12 || i == weights.Count - 1))
                {
                    foreach (Func<Tensor, Tensor> change in (Func<Tensor, Tensor>[])[weight => weight.flatten(), weight => weight.unsqueeze(0), weight => weight.reshape(-1).narrow(0, 0, 0), weight => weight.unsqueeze(0).narrow(0, 0, 0)])
                    {
                        using var scope = NewDisposeScope();
                        (string Name, Tensor Tensor)[] bad = [.. weights.Select((weight, i) => i == index ? (weight.Name, change(weight.Tensor.detach())) : weight)];
                        if (bad[index].Tensor.shape.SequenceEqual(weights[index].Tensor.shape)) continue;
                        SafeTensors.Save(folder["bad"], bad);
                        Action act = () => open(folder["bad"], null).Dispose();
                        act.Should().Throw<InvalidDataException>($"{what} with {weights[index].Name} {bad[index].Tensor}").WithMessage($"*{folder["bad"]}*");
                    }
                }
            }
        }
    }

    [Fact]
    public void Load_AHundredThousandLevels_IsRefusedAtOnce()
    {
        using TempFolder folder = new();
        using Tensor one = ones(1);
        SafeTensors.Save(folder["unet"], [.. Enumerable.Range(0, 20_000).Select(level => ($"up_blocks.{level}.x", one))]);
        SafeTensors.Save(folder["vq"], [.. Enumerable.Range(0, 20_000).Select(level => ($"decoder.up_blocks.{level}.x", one))]);
        Action network = () => DiffusionUNet.Load(folder["unet"], ImageFormat.Rgb(8)), quantised = () => VqVae.Load(folder["vq"], ImageFormat.Rgb(8));
        network.ShouldSay<InvalidDataException>($"{folder["unet"]} must hold a U-Net of at most 16 levels, but it names 20000.");
        quantised.ShouldSay<InvalidDataException>($"{folder["vq"]} must hold a VQ-VAE of at most 16 levels, but it names 20000.");
    }

    [Fact]
    public void Load_RosinalityWeightsOfAnotherShape_NamesTheKey()
    {
        using TempFolder folder = new();
        using Tensor three = ones(3);
        SafeTensors.Save(folder["bad"], [("conv1.noise.weight", three)]);
        Action act = () => StyleGan2.Load(folder["bad"], keys: StyleGan2.RosinalityKeys);
        act.Should().Throw<InvalidDataException>().WithMessage("rosinality/stylegan2-pytorch must hold 'conv1.noise.weight' in the published shape, but it is [3], which cannot be converted: *");
    }

    [Fact]
    public void CompareWeights_TellsEveryMisfit_AndThrowsNothing()
    {
        using var scope = NewDisposeScope();
        using MlpGan model = MlpGan.Create(new MlpGanOptions { Image = ImageFormat.Grey(4), LatentDimension = 3, HiddenWidth = 4 });
        (string Name, Tensor Tensor)[] weights = [.. model.Weights.All.Select(weight => ($"net.{weight.Name}", weight.Tensor.detach()))];
        KeyMap keys = new("toy", KeyRule.Rename(@"net\.(.*)", "$1"));
        using (StateDictionary whole = new(weights)) model.CompareWeights(whole, keys).IsExact.Should().BeTrue();
        using StateDictionary some = new([.. weights[1..], ("step", ones(1))]);
        model.CompareWeights(some, keys).ToString().Should().Be($"{model.Weights.All[0].Name} is missing; step is unexpected");
        using DelegateLatentModel toy = Toy.Linear("toy", 1);
        Action untold = () => toy.CompareWeights(some);
        untold.ShouldSay<NotSupportedException>("DelegateLatentModel does not describe itself. Override Describe.");
    }

    private static IReadOnlyList<(string Name, Tensor Tensor)> WeightsOf(IDisposable opened) => opened switch
    {
        VariationalAutoencoder model => model.Network.Weights.All,
        Autoencoder model => model.Weights.All,
        VqVae model => model.Network.Weights.All,
        GanModel model => model.Weights.All,
        Recoder model => model.Weights.All,
        ConvolutionalDenoiser model => model.Weights.All,
        _ => ((DiffusionUNet)opened).Weights.All,
    };

    /// <summary>What torch.save writes of {container: {prefix + name: tensor}, "epoch": 7}.</summary>
    private static byte[] Nested(string container, string prefix, IReadOnlyList<(string Name, Tensor Tensor)> weights)
    {
        StringBuilder pickle = new($"}}({Text(container)}}}(");
        List<(string, byte[])> parts = [];
        for (int i = 0; i < weights.Count; i++)
        {
            (string name, Tensor tensor) = weights[i];
            long[] shape = tensor.shape, strides = new long[shape.Length];
            for (int axis = shape.Length - 1, stride = 1; axis >= 0; stride *= (int)shape[axis--]) strides[axis] = stride;
            string id = $"(U\u0007storagectorch\nFloatStorage\n{Text($"{i}")}U\u0003cpu{CheckpointFiles.Int((int)tensor.numel())}tQ";
            pickle.Append($"{Text(prefix + name)}ctorch._utils\n_rebuild_tensor_v2\n({id}{CheckpointFiles.Int(0)}{Numbers(shape)}{Numbers(strides)}\u0089NtR");
            parts.Add(($"archive/data/{i}", CheckpointFiles.Bytes(tensor)));
        }
        pickle.Append($"u{Text("epoch")}K\u0007u.");
        return CheckpointFiles.Zip(CheckpointFiles.Pickle(pickle.ToString()), [.. parts]);

        static string Text(string text) => "X" + Encoding.Latin1.GetString(BitConverter.GetBytes(text.Length)) + text;

        static string Numbers(long[] values) => "(" + string.Concat(values.Select(value => CheckpointFiles.Int((int)value))) + "t";
    }
}
