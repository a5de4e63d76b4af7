using LatentStitching.Mapping;
using LatentStitching.Tests.Support;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace LatentStitching.Tests.Mapping;

/// <summary>Maps that leave the library: as ONNX models, run back through ONNX Runtime, and folded into a layer.</summary>
[NoTensorLeaks]
public sealed class MapExportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("onnx-").FullName;

    private string ModelPath => Path.Combine(_folder, "map.onnx");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string> Forms() => [.. MapForms.All];

    public static TheoryData<string> FormsOfAnyType() => [.. MapForms.OfAnyType];

    private static Tensor Normal(ulong seed, params long[] shape) => MapForms.Normal(seed, shape);

    [Theory]
    [MemberData(nameof(FormsOfAnyType))]
    public void SaveOnnx_RunBack_IsApply(string form)
    {
        using var scope = NewDisposeScope();
        using AffineMap map = MapForms.Make(form, 1, dtype: ScalarType.Float32), wide = MapForms.Make(form, 1);
        map.SaveOnnx(ModelPath, new Dictionary<string, string> { ["source"] = "a", ["target"] = "b" });
        foreach (int rows in (int[])[1, 7])
        {
            Tensor z = Normal(2, rows, 60).to_type(ScalarType.Float32);
            Tensor mapped = Run(z.data<float>().ToArray(), rows, 60, out NodeMetadata input, out IReadOnlyDictionary<string, string> metadata);
            mapped.ShouldBeCloseTo(map.Apply(z), 1e-6);
            input.Dimensions.Should().Equal(-1, 60);
            input.SymbolicDimensions.Should().Equal("n", "");
            metadata.Should().Contain("source", "a").And.Contain("target", "b");
        }
        // A float64 map, as fits give it, is written in float32 alike.
        byte[] narrow = File.ReadAllBytes(ModelPath);
        wide.SaveOnnx(ModelPath, new Dictionary<string, string> { ["source"] = "a", ["target"] = "b" });
        File.ReadAllBytes(ModelPath).Should().HaveCount(narrow.Length);
        Tensor latents = Normal(2, 3, 60).to_type(ScalarType.Float32);
        Run(latents.data<float>().ToArray(), 3, 60, out _, out _).ShouldBeCloseTo(wide.Apply(latents), 1e-6);
        Directory.GetFiles(_folder).Should().ContainSingle();
    }

    [Theory]
    [InlineData("dense")]
    [InlineData("factored")]
    [InlineData("kronecker")]
    [InlineData("blocks")]
    [InlineData("kernel")]
    public void SaveOnnx_Float64_KeepsItsDigits(string form)
    {
        using var scope = NewDisposeScope();
        using AffineMap map = MapForms.Make(form, 1);
        map.SaveOnnx(ModelPath, dtype: ScalarType.Float64);
        Tensor z = Normal(2, 5, 60);
        Run(z.data<double>().ToArray(), 5, 60, out _, out _).ShouldBeCloseTo(map.Apply(z), 1e-14);
    }

    [Fact]
    public void SaveOnnx_HalfPrecision_IsWrittenInFloat32()
    {
        using var scope = NewDisposeScope();
        using AffineMap map = MapForms.Make("dense", 1, dtype: ScalarType.BFloat16);
        map.SaveOnnx(ModelPath);
        Tensor z = Normal(2, 5, 60).to_type(ScalarType.Float32);
        Run(z.data<float>().ToArray(), 5, 60, out _, out _).ShouldBeCloseTo(map.Apply(z), 1e-6);
    }

    [Fact]
    public void SaveOnnx_CannotBeDone_Says()
    {
        using var scope = NewDisposeScope();
        using AffineMap map = MapForms.Make("dense", 1), wide = AffineMap.Factored(ones(40000, 1), ones(1, 40000)), both = AffineMap.Blocks(wide, map);
        Action blank = () => map.SaveOnnx(" ");
        blank.ShouldRefuse("path", "path must not be blank.");
        Action nowhere = () => map.SaveOnnx(Path.Combine(_folder, "none", "map.onnx"));
        nowhere.Should().Throw<IOException>();
        Action large = () => both.SaveOnnx(ModelPath);
        large.ShouldSay<NotSupportedException>($"The map must take less than 2 GB as an ONNX model, but it has {40040L * 40060} numbers. Save it as safetensors.");
        Action type = () => map.SaveOnnx(ModelPath, dtype: ScalarType.Float16);
        type.ShouldRefuse("dtype", "dtype must be Float32 or Float64, but it is Float16.");
        using AffineMap huge = new(ones(1, 2, ScalarType.Float64) * 1e39);
        Action range = () => huge.SaveOnnx(ModelPath);
        range.ShouldRefuse("dtype", "dtype must hold the map's numbers, but some are too large for Float32. Pass ScalarType.Float64.");
        Directory.GetFileSystemEntries(_folder).Should().BeEmpty();
        wide.SaveOnnx(ModelPath);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void FoldInto_LinearLayer_DoesBoth(string form)
    {
        using var scope = NewDisposeScope();
        using AffineMap map = MapForms.Make(form, 1);
        Tensor weight = Normal(2, 7, 40), bias = Normal(3, 7), z = Normal(4, 5, 60);
        (Tensor folded, Tensor shift) = map.FoldInto(weight, bias);
        folded.shape.Should().Equal(7, 60);
        nn.functional.linear(z, folded, shift).ShouldBeCloseTo(nn.functional.linear(map.Apply(z), weight, bias), 1e-13);
        (folded, shift) = map.FoldInto(weight.to_type(ScalarType.Float32));
        folded.dtype.Should().Be(ScalarType.Float32);
        nn.functional.linear(z, folded.to_type(ScalarType.Float64), shift.to_type(ScalarType.Float64)).ShouldBeCloseTo(map.Apply(z).mm(weight.t()), 1e-6);
    }

    [Theory]
    [InlineData(1, 1, true)]
    [InlineData(3, 1, false)]
    [InlineData(3, 2, false)]
    [InlineData(5, 1, false)]
    public void FoldInto_ConvolutionLayer_DoesBoth(int size, int stride, bool offset)
    {
        using var scope = NewDisposeScope();
        using AffineMap map = AffineMap.Convolution(Normal(1, 2, 3, 1, 1), 4, 5, offset ? Normal(2, 2) : null);
        Tensor weight = Normal(3, 6, 2, size, size), bias = Normal(4, 6), z = Normal(5, 3, 60);
        (Tensor folded, Tensor shift) = map.FoldInto(weight, bias);
        Tensor direct = nn.functional.conv2d(z.reshape(3, 3, 4, 5), folded, shift, strides: [stride, stride], padding: [size / 2, size / 2]);
        direct.ShouldBeCloseTo(nn.functional.conv2d(map.Apply(z).reshape(3, 2, 4, 5), weight, bias, strides: [stride, stride], padding: [size / 2, size / 2]), 1e-13);
    }

    [Fact]
    public void FoldInto_WhatNoLayerCanDo_IsRefused()
    {
        using var scope = NewDisposeScope();
        using AffineMap mixing = AffineMap.Convolution(ones(2, 3, 1, 1), 4, 5, ones(2)), uneven = AffineMap.Convolution(ones(2, 3, 1, 1), 4, 5, arange(40, dtype: ScalarType.Float32)), dense = MapForms.Make("dense", 1);
        Says(
            () => mixing.FoldInto(ones(6, 2, 3, 3)),
            "The map must have no offset to be folded into a 3×3 convolution, but it has one, which the layer's zero padding does not hold. Fit it with FitIntercept = false, or apply it before the layer.");
        Says(
            () => uneven.FoldInto(ones(6, 2, 1, 1)),
            "The map must have one offset a channel to be folded into a 1×1 convolution, but its offsets differ between places. Fit it with OffsetPerChannel = true, or apply it before the layer.");
        Says(() => dense.FoldInto(ones(6, 2, 1, 1)), "The map must be a 1×1 convolution to be folded into a convolution layer, but it is dense. Fit it with ConvolutionFitter, or apply it before the layer.");
        ((Action)(() => mixing.FoldInto(ones(6, 3, 1, 1)))).ShouldRefuse("weight", "weight must take the 2 channels that the map gives, but its shape is [6, 3, 1, 1].");
        ((Action)(() => dense.FoldInto(ones(6, 41)))).ShouldRefuse("weight", "weight must have 40 columns, the width of the map's target, but its shape is [6, 41].");
        ((Action)(() => dense.FoldInto(ones(6)))).ShouldRefuse("weight", "weight must be [o, target] of a linear layer or [o, c, kh, kw] of a convolution, but its shape is [6].");
        ((Action)(() => dense.FoldInto(ones(6, 40), ones(5)))).ShouldRefuse("bias", "bias must be [6], one entry a row of weight, but its shape is [5].");
        ((Action)(() => dense.FoldInto(ones(6, 40), ones(6, ScalarType.Int64)))).ShouldRefuse("bias", "bias must be floating point, but its dtype is Int64. Convert it: tensor.to_type(ScalarType.Float32).");
        ((Action)(() => dense.FoldInto(ones(6, 40), tensor([1f, 2, float.NaN, 4, 5, 6])))).ShouldRefuse("bias", "bias must be finite, but 1 of its entries are NaN or infinite, the first in row 2.");

        static void Says(Action act, string text) => act.ShouldSay<NotSupportedException>(text);
    }

    private Tensor Run<T>(T[] numbers, int rows, int columns, out NodeMetadata input, out IReadOnlyDictionary<string, string> metadata)
        where T : unmanaged
    {
        using InferenceSession session = new(ModelPath);
        input = session.InputMetadata["latents"];
        metadata = session.ModelMetadata.CustomMetadataMap;
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> results = session.Run([NamedOnnxValue.CreateFromTensor("latents", new DenseTensor<T>(numbers, [rows, columns]))]);
        var mapped = (DenseTensor<T>)results.Single(result => result.Name == "mapped").AsTensor<T>();
        double[] values = [.. mapped.ToArray().Select(value => Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture))];
        return tensor(values).reshape(rows, -1);
    }
}
