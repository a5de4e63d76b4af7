using LatentStitching.Onnx;

namespace LatentStitching.Tests.Adapters.Foreign;

/// <summary>Two small models as ONNX files, and what they compute.</summary>
internal static class OnnxModels
{
    public const int Channels = 3, Height = 4, Width = 6, Latents = 5;
    private const int Pixels = Channels * Height * Width;

    public static Tensor Random(ulong seed, params long[] shape)
    {
        using Generator generator = new(seed);
        return randn(shape, ScalarType.Float32, generator: generator).mul_(0.1f);
    }

    /// <summary>images [n, 3, 4, 6] → Gemm → [n, 5] → Gemm → sigmoid → images.</summary>
    public static void SaveAffine(string folder, object batch, ScalarType type = ScalarType.Float32)
    {
        using var scope = NewDisposeScope();
        new OnnxGraph().Input("images", type, batch, Channels, Height, Width).Output("latents", type, batch, Latents)
            .Constant("weight", Random(1, Latents, Pixels).to_type(type)).Constant("bias", Random(2, Latents).to_type(type))
            .Node("Flatten", ["images"], "flat").Node("Gemm", ["flat", "weight", "bias"], "latents", ("transB", [1]))
            .Save(Path.Combine(folder, "encoder.onnx"));
        new OnnxGraph().Input("latents", type, batch, Latents).Output("images", type, batch, Channels, Height, Width)
            .Constant("weight", Random(3, Pixels, Latents).to_type(type)).Constant("shape", tensor([-1L, Channels, Height, Width]))
            .Node("Gemm", ["latents", "weight"], "flat", ("transB", [1])).Node("Sigmoid", ["flat"], "pixels").Node("Reshape", ["pixels", "shape"], "images")
            .Save(Path.Combine(folder, "decoder.onnx"));
    }

    public static Tensor AffineEncode(Tensor images) => images.flatten(1).mm(Random(1, Latents, Pixels).t()).add(Random(2, Latents));

    public static Tensor AffineDecode(Tensor latents) => latents.mm(Random(3, Pixels, Latents).t()).sigmoid().reshape(-1, Channels, Height, Width);

    /// <summary>images [n, 3, h, w] → 2×2 convolution of stride 2 → [n, 4, h/2, w/2] → transposed convolution → images; every size but the channels is open.</summary>
    public static void SaveConvolution(string folder)
    {
        using var scope = NewDisposeScope();
        new OnnxGraph().Input("images", ScalarType.Float32, "n", Channels, "h", "w").Output("mean", ScalarType.Float32, "n", 4, "a", "b").Output("spread", ScalarType.Float32, "n", 4, "a", "b")
            .Constant("kernel", Random(5, 4, Channels, 2, 2))
            .Node("Conv", ["images", "kernel"], "mean", ("strides", [2, 2])).Node("Abs", ["mean"], "spread")
            .Save(Path.Combine(folder, "encoder.onnx"));
        new OnnxGraph().Input("latents", ScalarType.Float32, "n", 4, "a", "b").Output("images", ScalarType.Float32, "n", Channels, "h", "w")
            .Constant("kernel", Random(6, 4, Channels, 2, 2))
            .Node("ConvTranspose", ["latents", "kernel"], "images", ("strides", [2, 2]))
            .Save(Path.Combine(folder, "decoder.onnx"));
    }

    public static Tensor ConvolutionEncode(Tensor pixels) => nn.functional.conv2d(pixels, Random(5, 4, Channels, 2, 2), strides: [2, 2]).flatten(1);

    public static Tensor ConvolutionDecode(Tensor latents) =>
        nn.functional.conv_transpose2d(latents.reshape(-1, 4, Height / 2, Width / 2), Random(6, 4, Channels, 2, 2), strides: [2, 2]);

    public static OnnxModel OpenAffine(object batch, OnnxOptions? options = null, ScalarType type = ScalarType.Float32) => Open(folder => SaveAffine(folder, batch, type), options);

    public static OnnxModel OpenConvolution(OnnxOptions options) => Open(SaveConvolution, options);

    private static OnnxModel Open(Action<string> save, OnnxOptions? options)
    {
        string folder = Directory.CreateTempSubdirectory("onnx-").FullName;
        try
        {
            save(folder);
            return OnnxModel.Open(folder, options ?? new OnnxOptions { Name = "onnx" });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
