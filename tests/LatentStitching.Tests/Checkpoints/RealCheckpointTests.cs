using System.Security.Cryptography;
using System.Text;
using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Checkpoints;

/// <summary>Every file of weights beside the repository is read, and holds what it held when this was written.</summary>
[NoTensorLeaks]
public sealed class RealCheckpointTests
{
    private static readonly string[] _roots = ["models", "fixtures/loaders", "fixtures/vqmodel"];
    private static readonly string[] _kinds = [".pt", ".pth", ".th", ".ckpt", ".safetensors", ".npy", ".npz"];

    // Files that are damaged on purpose, or that hold programs or pickles of more than tensors.
    private static readonly string[] _refused =
    [
        "fixtures/loaders/autoencoder_scripted_methods.pt",
        "fixtures/loaders/bad_huge_header.safetensors",
        "fixtures/loaders/bad_json.safetensors",
        "fixtures/loaders/bad_negative.safetensors",
        "fixtures/loaders/bad_out_of_range.safetensors",
        "fixtures/loaders/bad_overlap.safetensors",
        "fixtures/loaders/bad_shape.safetensors",
        "fixtures/loaders/decoder_scripted.pt",
        "fixtures/loaders/encoder_scripted.pt",
        "fixtures/loaders/encoder_traced.pt",
        "fixtures/loaders/numpy_array.pth",
        "fixtures/loaders/refuse_unknown_global.pth",
        "fixtures/loaders/truncated.pth",
        "fixtures/loaders/truncated.safetensors",
        "fixtures/loaders/whole_module_pickled.pth",
    ];

    /// <summary>File, container, tensors, elements, sum of all values in float64, and the first 16 digits of the SHA-256 of names and values. Some of the sums were made without this library: see the test below.</summary>
    public static TheoryData<string, string?, int, long, double, string> Files => new()
    {
        { "models/csinva_mnist/gan_mlp_G--300.ckpt", null, 6, 283_920, -29138.777449927424, "b3a85345663428a7" },
        { "models/csinva_mnist/lenet_epoch=12_test_acc=0.991.pth", null, 10, 61_706, -401.6265222509862, "8febe46a3a19558a" },
        { "models/csinva_mnist/vae_epoch_25.pth", null, 10, 652_824, -18412.64637856393, "2cc4712dab1de00d" },
        { "models/ddpm_mnist/ddpm_mnist_starter.pth", null, 29, 293_235, 79138.3218350522, "ab3e597c4e9c6ebb" },
        { "models/disentangling-vae/VAE_celeba/model.pt", null, 28, 504_055, -16829.269720765435, "7e01a855f1101745" },
        { "models/disentangling-vae/VAE_mnist/model.pt", null, 24, 469_173, -11453.987623062809, "7b514941c3c89ee9" },
        { "models/disentangling-vae/betaB_celeba/model.pt", null, 28, 504_055, -31977.976862358828, "9ccaa0ea335fab16" },
        { "models/disentangling-vae/betaB_mnist/model.pt", null, 24, 469_173, -25648.668712469505, "c22ed518ec10ea65" },
        { "models/disentangling-vae/betaH_celeba/model.pt", null, 28, 504_055, -15216.915632351858, "08d2b72d0a2c22f7" },
        { "models/disentangling-vae/betaH_mnist/model.pt", null, 24, 469_173, -16476.642857608374, "d0e522fd6b4ea595" },
        { "models/disentangling-vae/btcvae_celeba/model.pt", null, 28, 504_055, -16942.325983851468, "928eb38a8d17697c" },
        { "models/disentangling-vae/btcvae_mnist/model.pt", null, 24, 469_173, -19422.193013988497, "fe78394dd1318e65" },
        { "models/interfacegan_boundaries/stylegan_ffhq_age_boundary.npy", null, 1, 512, -0.4624655162994243, "5d9fa9bb34a36dfe" },
        { "models/interfacegan_boundaries/stylegan_ffhq_age_c_eyeglasses_boundary.npy", null, 1, 512, 0.0321982979681269, "81c310c67c9f7f93" },
        { "models/interfacegan_boundaries/stylegan_ffhq_age_c_gender_boundary.npy", null, 1, 512, -0.567341945861032, "431032cc50bec809" },
        { "models/interfacegan_boundaries/stylegan_ffhq_age_w_boundary.npy", null, 1, 512, 1.0715569410168468, "7e757402467edc41" },
        { "models/interfacegan_boundaries/stylegan_ffhq_eyeglasses_boundary.npy", null, 1, 512, -0.6725699467367849, "ea880a747fe51ef5" },
        { "models/interfacegan_boundaries/stylegan_ffhq_eyeglasses_c_age_boundary.npy", null, 1, 512, -0.489400357457443, "ccc2780e45819b5d" },
        { "models/interfacegan_boundaries/stylegan_ffhq_eyeglasses_c_gender_boundary.npy", null, 1, 512, -0.8626342466777004, "4fe8ee538423bb76" },
        { "models/interfacegan_boundaries/stylegan_ffhq_eyeglasses_w_boundary.npy", null, 1, 512, -6.813798148076259, "43314a03255a340f" },
        { "models/interfacegan_boundaries/stylegan_ffhq_gender_boundary.npy", null, 1, 512, 0.21834081334261513, "6cb59222da8f6586" },
        { "models/interfacegan_boundaries/stylegan_ffhq_gender_w_boundary.npy", null, 1, 512, 2.016529347552283, "b628d8fc9e586294" },
        { "models/interfacegan_boundaries/stylegan_ffhq_pose_boundary.npy", null, 1, 512, -0.3023988109448629, "c0ba4a1441c89a85" },
        { "models/interfacegan_boundaries/stylegan_ffhq_pose_w_boundary.npy", null, 1, 512, 0.363633934429324, "7518510ad435ec41" },
        { "models/interfacegan_boundaries/stylegan_ffhq_smile_boundary.npy", null, 1, 512, -0.41252331628295763, "d7f1f95edffe6fe0" },
        { "models/interfacegan_boundaries/stylegan_ffhq_smile_w_boundary.npy", null, 1, 512, -1.0531377242611248, "4a84ef961f38f4e0" },
        { "models/lpips/alex.pth", null, 5, 1_152, 105.2753545809201, "885a51c7aba6f7cc" },
        { "models/lpips/squeeze.pth", null, 7, 2_240, 173.4387181383333, "55d9bd39ee2c7779" },
        { "models/lpips/vgg.pth", null, 5, 1_472, 131.85550854727626, "09016f6c713efecd" },
        { "models/resnet_cifar10/resnet20-12fca82f.th", "", 97, 271_098, 139.7826495598208, "325c3392c7fdf401" },
        { "models/resnet_cifar10/resnet32-d509ac18.th", "", 157, 466_426, 721.5178900284966, "47d2b3980ac66963" },
        { "models/squeezenet1_1/squeezenet1_1.caffe_keras_notop.fp16.safetensors", null, 50, 722_496, -2232.899995586358, "8ce28ff2d4b4274e" },
        { "models/squeezenet1_1/squeezenet1_1.torchvision.fp16.safetensors", null, 52, 1_235_496, 1685.244429939892, "50ffdcdbc05676f7" },
        { "models/taesd/taef2_decoder.pth", null, 79, 1_338_499, -627.3743234872818, "02ebca4a06bed47a" },
        { "models/taesd/taef2_encoder.pth", null, 79, 1_338_528, 251.84707695245743, "dddcdb5055ac1792" },
        { "models/taesd/taesana_encoder.pth", null, 69, 1_256_288, -1872.88095164299, "f1ccf3b8a1e0e69a" },
        { "fixtures/loaders/data_parallel_prefix.pth", null, 19, 3_328, 32.20084249752108, "9d2676a5a1cc97d9" },
        { "fixtures/loaders/ddim_like_list.pth", "", 37, 6_655, 46.80126374628162, "a35a966387828c5e" },
        { "fixtures/loaders/expected.safetensors", null, 41, 6_525, 1435.4841275654326, "d003298b5e3d1165" },
        { "fixtures/loaders/good_empty_tensor.safetensors", null, 2, 1, 42, "bd449de900a8a9f1" },
        { "fixtures/loaders/latent_000001.pth", null, 1, 8, -3.232289768755436, "f020af48c4bf928b" },
        { "fixtures/loaders/lightning_like.ckpt", "", 19, 3_328, 32.20084249752108, "f2674c6e3a8d394f" },
        { "fixtures/loaders/state_dict.safetensors", null, 19, 3_328, 32.20084249752108, "9ea0e605294380f8" },
        { "fixtures/loaders/state_dict_legacy.pth", null, 19, 3_328, 32.20084249752108, "9ea0e605294380f8" },
        { "fixtures/loaders/state_dict_zip.pth", null, 19, 3_328, 32.20084249752108, "9ea0e605294380f8" },
        { "fixtures/loaders/tensor_zoo_legacy.pth", null, 18, 101, 715.205621112138, "8a11e04635faad9a" },
        { "fixtures/loaders/tensor_zoo_zip.pth", null, 18, 101, 715.205621112138, "8a11e04635faad9a" },
        { "fixtures/vqmodel/vq_f2.safetensors", null, 132, 225_255, 1847.9898150394347, "70b75e0afb1141a4" },
        { "fixtures/vqmodel/vq_f2_attn.safetensors", null, 162, 231_014, 957.1247328697078, "06835c0f947eb721" },
        { "fixtures/vqmodel/vq_f2_diffusers/diffusion_pytorch_model.safetensors", null, 121, 217_062, 781.6068331003189, "59d51455d5bfd730" },
    };

    [SharedTheory("models")]
    [MemberData(nameof(Files))]
    public void Load_HoldsItsTensorsAndValues(string file, string? container, int tensors, long elements, double sum, string checksum)
    {
        using StateDictionary state = StateDictionary.Load(Shared.Path(file), container);
        using var scope = NewDisposeScope();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        double total = 0;
        foreach (string name in state.Names)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            if (state[name].numel() == 0) continue;
            hash.AppendData(state[name].bytes);
            total += state[name].to_type(ScalarType.Float64).sum().ToDouble();
        }
        state.Count.Should().Be(tensors);
        state.Names.Sum(name => state[name].numel()).Should().Be(elements);
        total.Should().BeApproximately(sum, 1e-9 * Math.Max(1, Math.Abs(sum)));
        Convert.ToHexStringLower(hash.GetHashAndReset())[..16].Should().Be(checksum);
    }

    /// <summary>Sums made by Python's standard library alone, from the bytes in the files: struct and array for .npy, json for safetensors, zipfile for .pth.</summary>
    [SharedTheory("models")]
    [InlineData("models/interfacegan_boundaries/stylegan_ffhq_age_boundary.npy", -0.46246551629942484)]
    [InlineData("models/interfacegan_boundaries/stylegan_ffhq_age_c_eyeglasses_boundary.npy", 0.03219829796812711)]
    [InlineData("models/interfacegan_boundaries/stylegan_ffhq_age_c_gender_boundary.npy", -0.5673419458610318)]
    [InlineData("models/squeezenet1_1/squeezenet1_1.torchvision.fp16.safetensors", 1685.244429939892)]
    [InlineData("models/taesd/taef2_encoder.pth", 251.84707695245743)]
    [InlineData("models/ddpm_mnist/ddpm_mnist_starter.pth", 79138.3218350522)]
    public void Load_HoldsTheSumThatPythonFinds(string file, double sum)
    {
        using StateDictionary state = StateDictionary.Load(Shared.Path(file));
        using var scope = NewDisposeScope();
        state.Names.Sum(name => state[name].to_type(ScalarType.Float64).sum().ToDouble()).Should().BeApproximately(sum, 1e-11 * Math.Max(1, Math.Abs(sum)));
    }

    [SharedTheory("models")]
    [InlineData("models")]
    [InlineData("fixtures/loaders")]
    [InlineData("fixtures/vqmodel")]
    public void EveryFile_IsReadOrRefused(string root)
    {
        IEnumerable<string> read = Files.Select(row => (string)row[0]);
        IEnumerable<string> there = Directory.EnumerateFiles(Shared.Path(root), "*", SearchOption.AllDirectories)
            .Where(file => _kinds.Contains(Path.GetExtension(file)))
            .Select(file => $"{root}/{Path.GetRelativePath(Shared.Path(root), file).Replace('\\', '/')}");
        _roots.Should().Contain(root);
        there.Should().BeEquivalentTo(read.Concat(_refused).Where(file => file.StartsWith(root, StringComparison.Ordinal)));
        foreach (string file in _refused.Where(file => file.StartsWith(root, StringComparison.Ordinal)))
        {
            ((Action)(() => StateDictionary.Load(Shared.Path(file), ""))).Should().Throw<InvalidDataException>().Which.Message.Should().StartWith($"'{Shared.Path(file)}' must ");
        }
    }

    [SharedFact("models/interfacegan_boundaries")]
    public void Load_InterfaceGanBoundaries_AreUnitNormals()
    {
        string[] files = Directory.GetFiles(Shared.Path("models/interfacegan_boundaries"), "*.npy");
        files.Should().HaveCount(14);
        foreach (string file in files)
        {
            using var scope = NewDisposeScope();
            Tensor normal = NumPy.Load(file);
            normal.dtype.Should().Be(ScalarType.Float64);
            normal.shape.Should().Equal(1, 512);
            normal.norm().ToDouble().Should().BeApproximately(1, 1e-7);
        }
    }

    [SharedTheory("models/disentangling-vae")]
    [InlineData("VAE_celeba")]
    [InlineData("btcvae_mnist")]
    public void Load_DisentanglingVae_HasItsLatent(string name)
    {
        using StateDictionary state = StateDictionary.Load(Shared.Path($"models/disentangling-vae/{name}/model.pt"));
        state["encoder.mu_logvar_gen.weight"].shape.Should().Equal(20, 256);
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
        (state.Names.Sum(key => state[key].numel()) - buffers).Should().Be(parameters);
    }
}
