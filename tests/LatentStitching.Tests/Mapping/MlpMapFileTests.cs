using LatentStitching.Checkpoints;
using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Tests.Fitting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Mapping;

[NoTensorLeaks]
public sealed class MlpMapFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlp-map-").FullName;

    private string MapPath => Path.Combine(_folder, "map.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    public void Save_ThenLoad_MapsToTheSameBits(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(40, 5, 1).to_type(dtype).add(3);
        using LatentMapFit fit = Fit(x);
        var map = (MlpMap)fit.Map;
        map.Save(MapPath, new Dictionary<string, string> { ["source"] = "vae" });
        using MlpMap loaded = MlpMap.Load(MapPath);
        (loaded.SourceDimension, loaded.HiddenWidth, loaded.TargetDimension).Should().Be((5, 6, 3));
        loaded.Apply(x).bytes.SequenceEqual(map.Apply(x).bytes).Should().BeTrue();
        using StateDictionary file = SafeTensors.Load(MapPath);
        file.Metadata["source"].Should().Be("vae");
    }

    [Fact]
    public void Load_AnythingElse_IsRefused()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(40, 5, 1).to_type(ScalarType.Float32);
        using LatentMapFit fit = Fit(x);
        var map = (MlpMap)fit.Map;
        FluentActions.Invoking(() => map.Save(MapPath, new Dictionary<string, string> { ["latentstitching.kind"] = "mine" })).Should().Throw<ArgumentException>()
            .WithMessage("provenance must not use keys that start with 'latentstitching.', but it has 'latentstitching.kind'.*");
        FluentActions.Invoking(() => MlpMap.Load(MapPath)).Should().Throw<FileNotFoundException>();
        using (AffineMap affine = new(x.narrow(0, 0, 3))) affine.Save(MapPath);
        Refuses($"{MapPath} must be a map with one hidden layer, but its metadata names the kind 'affine-map'. Write maps with MlpMap.Save.");

        map.Save(MapPath);
        Rewrite((name, tensor) => name == "output.bias" ? tensor.add(1) : tensor, []);
        FluentActions.Invoking(() => MlpMap.Load(MapPath)).Should().Throw<InvalidDataException>().WithMessage("*must match its checksum *, but its tensors have *. The file was changed or damaged.");
        map.Save(MapPath);
        Rewrite((_, tensor) => tensor, new() { ["latentstitching.format"] = "9" });
        Refuses($"{MapPath} must be of format 1, but it is of format '9'. A newer version of the library wrote it.");
        map.Save(MapPath);
        Rewrite((name, tensor) => name == "hidden.bias" ? null : tensor, []);
        FluentActions.Invoking(() => MlpMap.Load(MapPath)).Should().Throw<InvalidDataException>().WithMessage("*must hold the tensor 'hidden.bias', but it holds *");

        foreach (Func<string, Tensor, Tensor?> change in (Func<string, Tensor, Tensor?>[])
        [
            (name, tensor) => name == "hidden.bias" ? tensor.narrow(0, 0, 2) : tensor,
            (name, tensor) => name == "output.weight" ? tensor.t() : tensor,
            (name, tensor) => name == "target_mean" ? tensor.mul(double.NaN) : tensor,
            (name, tensor) => name == "source_mean" ? tensor.to_type(ScalarType.Float64) : tensor,
            (_, tensor) => tensor.to_type(ScalarType.Int32),
        ])
        {
            map.Save(MapPath);
            Rewrite(change, [], sign: true);
            FluentActions.Invoking(() => MlpMap.Load(MapPath)).Should().Throw<InvalidDataException>().WithMessage("*must hold a well-formed map, but its tensors are not finite floating-point numbers of one type whose shapes fit: source_mean *");
        }
        map.Dispose();
        FluentActions.Invoking(() => map.Save(MapPath)).Should().Throw<ObjectDisposedException>();
    }

    private static LatentMapFit Fit(Tensor x) => Stitcher.Fit(x, x.narrow(1, 0, 3), new MlpFitter(new MlpOptions { HiddenWidth = 6, MaxEpochs = 2 }));

    private void Refuses(string text) => ((Action)(() => MlpMap.Load(MapPath))).ShouldSay<InvalidDataException>(text);

    private void Rewrite(Func<string, Tensor, Tensor?> change, Dictionary<string, string> facts, bool sign = false)
    {
        using var scope = NewDisposeScope();
        using StateDictionary file = SafeTensors.Load(MapPath);
        List<(string Name, Tensor Tensor)> tensors = [];
        foreach (string name in file.Names)
        {
            if (change(name, file[name]) is { } tensor) tensors.Add((name, tensor.contiguous()));
        }
        Dictionary<string, string> metadata = new(file.Metadata);
        foreach ((string key, string value) in facts) metadata[key] = value;
        if (sign) metadata[AffineMapFile.Checksum] = AffineMapFile.Hash(metadata, tensors);
        SafeTensors.Save(MapPath, tensors, metadata);
    }
}
