using System.Collections.ObjectModel;
using LatentStitching.Checkpoints;
using LatentStitching.Mapping.Forms;
using LatentStitching.Numerics;

namespace LatentStitching.Mapping;

/// <summary>Writes a map as an ONNX model.</summary>
/// <remarks>
/// <para>Field numbers as in onnx.proto (ONNX 1.12, operator set 17). ModelProto: ir_version 1, producer_name 2, graph 7, opset_import 8, metadata_props 14. OperatorSetIdProto: version 2. GraphProto: node 1, name 2,
/// initializer 5, input 11, output 12. NodeProto: input 1, output 2, op_type 4, attribute 5. AttributeProto: name 1, i 3, ints 8, type 20 (INT 2, INTS 7). TensorProto: dims 1, data_type 2 (FLOAT 1, INT64 7, DOUBLE 11),
/// name 8, raw_data 9. ValueInfoProto: name 1, type 2; TypeProto: tensor_type 1; its elem_type 1, shape 2; TensorShapeProto: dim 1; Dimension: dim_value 1, dim_param 2. StringStringEntryProto: key 1, value 2.</para>
/// <para>Source: <see href="https://github.com/onnx/onnx/blob/v1.12.0/onnx/onnx.proto">onnx.proto</see>.</para>
/// </remarks>
internal sealed class OnnxFile
{
    private const string Input = "latents";
    private const string Output = "mapped";
    private readonly OnnxMessage _graph = new();
    private readonly ScalarType _dtype;
    private bool _holds = true; // whether all numbers are finite in the dtype

    private OnnxFile(ScalarType dtype) => _dtype = dtype;

    public static void Save(AffineMap map, string path, IReadOnlyDictionary<string, string>? provenance, ScalarType dtype)
    {
        Guard.NotBlank(path);
        if (dtype is not (ScalarType.Float32 or ScalarType.Float64)) throw new ArgumentOutOfRangeException(nameof(dtype), $"dtype must be Float32 or Float64, but it is {dtype}.");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        // Reckoned before a matrix of that size is made.
        long numbers = map.Linear is KernelForm ? Math.Min(map.ParameterCount, map.TargetDimension * map.SourceDimension) : map.Linear is BlockForm ? checked(map.TargetDimension * map.SourceDimension) : map.ParameterCount;
        if (checked((numbers + map.TargetDimension) * (dtype == ScalarType.Float64 ? 8 : 4)) > int.MaxValue - 65536)
        {
            throw new NotSupportedException($"The map must take less than 2 GB as an ONNX model, but it has {numbers} numbers. Save it as safetensors.");
        }
        OnnxFile file = new(dtype);
        file.Write(map.Linear.Explicit(), map.Bias);
        if (!file._holds) throw new ArgumentException($"dtype must hold the map's numbers, but some are too large for {dtype}. Pass ScalarType.Float64.", nameof(dtype));
        file._graph.Text(2, "latent map").Part(11, file.Value(Input, map.SourceDimension)).Part(12, file.Value(Output, map.TargetDimension));
        OnnxMessage model = new OnnxMessage().Number(1, 8).Text(2, "LatentStitching").Part(7, file._graph).Part(8, new OnnxMessage().Text(1, "").Number(2, 17));
        foreach ((string key, string value) in provenance ?? ReadOnlyDictionary<string, string>.Empty) model.Part(14, new OnnxMessage().Text(1, key).Text(2, value));
        AtomicFile.Write(path, model.WriteTo);
    }

    private void Write(LinearForm form, Tensor bias)
    {
        Constant("bias", bias);
        switch (form)
        {
            case FactoredForm factored:
                Constant("left", factored.Left);
                Constant("right", factored.Right);
                Node("Gemm", [Input, "right"], "inner", Whole("transB", 1));
                Node("Gemm", ["inner", "left", "bias"], Output, Whole("transB", 1));
                break;
            case ConvolutionForm convolution:
                long edge = convolution.Size / 2;
                Constant("kernel", convolution.Kernel);
                Reshape(Input, "image", [-1, convolution.Kernel.size(1), convolution.Height, convolution.Width]);
                Node("Conv", ["image", "kernel"], "convolved", Wholes("pads", [edge, edge, edge, edge]));
                Reshape("convolved", "flat", [-1, form.TargetDimension]);
                Node("Add", ["flat", "bias"], Output);
                break;
            case KroneckerForm kronecker:
                Constant("space", kronecker.Space.t());
                Constant("channel", kronecker.Channel);
                Reshape(Input, "image", [-1, kronecker.Channel.size(1), kronecker.Space.size(1)]);
                Node("MatMul", ["channel", "image"], "mixed");
                Node("MatMul", ["mixed", "space"], "moved");
                Reshape("moved", "flat", [-1, form.TargetDimension]);
                Node("Add", ["flat", "bias"], Output);
                break;
            default:
                Constant("weight", form.ToDense(_dtype));
                Node("Gemm", [Input, "weight", "bias"], Output, Whole("transB", 1));
                break;
        }
    }

    private void Constant(string name, Tensor tensor)
    {
        Tensor numbers = tensor.to_type(_dtype).cpu().contiguous();
        _holds &= numbers.isfinite().all().ToBoolean();
        OnnxMessage constant = new();
        foreach (long size in numbers.shape) constant.Number(1, size);
        _graph.Part(5, constant.Number(2, _dtype == ScalarType.Float64 ? 11 : 1).Text(8, name).Raw(9, numbers));
    }

    private void Reshape(string from, string to, long[] shape)
    {
        string name = $"{to} shape";
        byte[] bytes = new byte[shape.Length * sizeof(long)];
        for (int i = 0; i < shape.Length; i++) System.Buffers.Binary.BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * sizeof(long)), shape[i]);
        _graph.Part(5, new OnnxMessage().Number(1, shape.Length).Number(2, 7).Text(8, name).Bytes(9, bytes));
        Node("Reshape", [from, name], to);
    }

    private void Node(string type, string[] inputs, string output, params OnnxMessage[] attributes)
    {
        OnnxMessage node = new();
        foreach (string input in inputs) node.Text(1, input);
        node.Text(2, output).Text(4, type);
        foreach (OnnxMessage attribute in attributes) node.Part(5, attribute);
        _graph.Part(1, node);
    }

    private OnnxMessage Value(string name, long width)
    {
        OnnxMessage shape = new OnnxMessage().Part(1, new OnnxMessage().Text(2, "n")).Part(1, new OnnxMessage().Number(1, width));
        OnnxMessage type = new OnnxMessage().Number(1, _dtype == ScalarType.Float64 ? 11 : 1).Part(2, shape);
        return new OnnxMessage().Text(1, name).Part(2, new OnnxMessage().Part(1, type));
    }

    private static OnnxMessage Whole(string name, long value) => new OnnxMessage().Text(1, name).Number(3, value).Number(20, 2);

    private static OnnxMessage Wholes(string name, long[] values)
    {
        OnnxMessage attribute = new OnnxMessage().Text(1, name);
        foreach (long value in values) attribute.Number(8, value);
        return attribute.Number(20, 7);
    }
}
