using LatentStitching.Mapping;

namespace LatentStitching.Tests.Adapters.Foreign;

/// <summary>Writes small ONNX models: field numbers as in Mapping/OnnxFile.cs, operator set 17.</summary>
internal sealed class OnnxGraph
{
    private const int Float = 1, Int64 = 7, Half = 10, Double = 11;
    private readonly OnnxMessage _graph = new OnnxMessage().Text(2, "test");

    /// <summary>Dimensions are numbers, or texts where they are open.</summary>
    public OnnxGraph Input(string name, ScalarType type, params object[] dimensions) => Value(11, name, type, dimensions);

    public OnnxGraph Output(string name, ScalarType type, params object[] dimensions) => Value(12, name, type, dimensions);

    /// <summary>An output that is a list of tensors.</summary>
    public OnnxGraph Sequence(string name, ScalarType type)
    {
        OnnxMessage element = new OnnxMessage().Part(1, new OnnxMessage().Number(1, Code(type)));
        _graph.Part(12, new OnnxMessage().Text(1, name).Part(2, new OnnxMessage().Part(4, new OnnxMessage().Part(1, element))));
        return this;
    }

    /// <summary>The tensor must live until the model is saved.</summary>
    public OnnxGraph Constant(string name, Tensor tensor)
    {
        OnnxMessage constant = new();
        foreach (long size in tensor.shape) constant.Number(1, size);
        _graph.Part(5, constant.Number(2, Code(tensor.dtype)).Text(8, name).Raw(9, tensor.contiguous()));
        return this;
    }

    public OnnxGraph Node(string type, string[] inputs, string output, params (string Name, long[] Value)[] attributes)
    {
        OnnxMessage node = new();
        foreach (string input in inputs) node.Text(1, input);
        node.Text(2, output).Text(4, type);
        foreach ((string name, long[] value) in attributes)
        {
            OnnxMessage attribute = new OnnxMessage().Text(1, name);
            if (value is [long one]) attribute.Number(3, one).Number(20, 2);
            else
            {
                foreach (long number in value) attribute.Number(8, number);
                attribute.Number(20, 7);
            }
            node.Part(5, attribute);
        }
        _graph.Part(1, node);
        return this;
    }

    public void Save(string path)
    {
        using FileStream stream = File.Create(path);
        new OnnxMessage().Number(1, 8).Part(7, _graph).Part(8, new OnnxMessage().Text(1, "").Number(2, 17)).WriteTo(stream);
    }

    private OnnxGraph Value(int field, string name, ScalarType type, object[] dimensions)
    {
        OnnxMessage shape = new();
        foreach (object dimension in dimensions) shape.Part(1, dimension is string open ? new OnnxMessage().Text(2, open) : new OnnxMessage().Number(1, Convert.ToInt64(dimension, System.Globalization.CultureInfo.InvariantCulture)));
        _graph.Part(field, new OnnxMessage().Text(1, name).Part(2, new OnnxMessage().Part(1, new OnnxMessage().Number(1, Code(type)).Part(2, shape))));
        return this;
    }

    private static int Code(ScalarType type) => type switch
    {
        ScalarType.Float32 => Float,
        ScalarType.Float16 => Half,
        ScalarType.Float64 => Double,
        _ => Int64,
    };
}
