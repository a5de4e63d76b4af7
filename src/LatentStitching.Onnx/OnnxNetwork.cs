using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace LatentStitching.Onnx;

/// <summary>An ONNX graph of one input, seen as a function from tensor to tensor. Tensors are handed over and taken back in place.</summary>
internal sealed class OnnxNetwork : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _run = new();
    private readonly string _input;
    private readonly string _output;
    private readonly ScalarType _inputType;
    private readonly ScalarType _outputType;
    private readonly long[] _declared;

    private OnnxNetwork(string path, InferenceSession session, string input, string output)
    {
        (Path, _session, _input, _output) = (path, session, input, output);
        _inputType = TypeOf(session.InputMetadata[input], "input", input);
        _outputType = TypeOf(session.OutputMetadata[output], "output", output);
        _declared = [.. session.InputMetadata[input].Dimensions.Select(size => (long)size)];
        if (_declared.Length < 2) throw Wrong($"must take a batch, but its input '{input}' is of shape [{Declared}]");
        if (_declared[0] > 0) FixedRows = _declared[0];
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The rows that the graph takes at once; null if it takes any number.</summary>
    public long? FixedRows { get; }

    /// <summary>The declared shape of one input row; null if a dimension is open.</summary>
    public long[]? RowShape => _declared[1..].All(size => size > 0) ? _declared[1..] : null;

    /// <summary>The declared input shape, for messages.</summary>
    public string Declared => string.Join(", ", _declared.Select(size => size > 0 ? $"{size}" : "?"));

    public static OnnxNetwork Open(string path, string? output, string option, SessionOptions? options)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"'{path}' must be there, but it is not. An OnnxModel needs an encoder and a decoder.", path);
        InferenceSession? session = null;
        try
        {
            session = options is null ? new InferenceSession(path) : new InferenceSession(path, options);
            string input = Only(path, session.InputNames, "input", "Fix the others in Python before the export");
            return new OnnxNetwork(path, session, input, output is null ? Only(path, session.OutputNames, "output", $"Name the one wanted by {option}") : Named(path, session.OutputNames, output, option));
        }
        catch (OnnxRuntimeException e)
        {
            session?.Dispose();
            throw new InvalidDataException($"'{path}' must be a whole ONNX model that ONNX Runtime knows, but it cannot be loaded: {e.Message}", e);
        }
        catch
        {
            session?.Dispose();
            throw;
        }
    }

    /// <summary>The shape of one output row, found by a run on zeros.</summary>
    public long[] Probe(ReadOnlySpan<long> rowShape)
    {
        using var scope = NewDisposeScope();
        // Two rows, so that a graph that mixes the rows of a batch is seen.
        long rows = FixedRows ?? 2;
        Tensor zero = zeros([rows, .. rowShape], _inputType, CPU);
        try
        {
            using OrtValue input = Wrap(zero);
            using IDisposableReadOnlyCollection<OrtValue> outputs = _session.Run(_run, [_input], [input], [_output]);
            GC.KeepAlive(zero);
            long[] shape = outputs[0].GetTensorTypeAndShape().Shape;
            return shape.Length > 1 && shape[0] == rows && shape.All(size => size > 0)
                ? shape[1..]
                : throw Wrong($"must give {rows} rows for {rows}, but its output '{_output}' is of shape [{string.Join(", ", shape)}]");
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidDataException($"'{Path}' must take zeros of shape [{string.Join(", ", zero.shape)}], but it failed: {e.Message}", e);
        }
    }

    /// <summary>Runs the graph.</summary>
    /// <param name="rows">[n, …], any floating type, on the CPU.</param>
    /// <param name="outputShape">The shape of one output row.</param>
    /// <returns>[n, *outputShape] in the graph's type.</returns>
    public Tensor Run(Tensor rows, long[] outputShape)
    {
        using var scope = NewDisposeScope();
        Tensor input = rows.to_type(_inputType).contiguous();
        long count = input.size(0);
        if (FixedRows is not { } size || size == count) return RunOnce(input, outputShape).MoveToOuterDisposeScope();
        Tensor result = empty([count, .. outputShape], _outputType, CPU);
        for (long start = 0; start < count; start += size)
        {
            using var block = NewDisposeScope();
            long taken = Math.Min(size, count - start);
            Tensor part = input.narrow(0, start, taken);
            if (taken < size) part = cat([part, zeros([size - taken, .. input.shape[1..]], _inputType, CPU)], 0);
            result.narrow(0, start, taken).copy_(RunOnce(part, outputShape).narrow(0, 0, taken));
        }
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>SHA-256 of the file and the output's name; null where the file may name others beside it that hold its weights.</summary>
    public string? Fingerprint()
    {
        byte[] bytes = File.ReadAllBytes(Path);
        // The key under which a tensor tells the file that holds it (onnx.proto, TensorProto.external_data). Other texts may hold the word too: that only costs a run.
        return bytes.AsSpan().IndexOf("location"u8) >= 0 ? null : $"{Convert.ToHexStringLower(SHA256.HashData(bytes))} {_output}";
    }

    public void Dispose()
    {
        _run.Dispose();
        _session.Dispose();
    }

    public InvalidDataException Wrong(string text) => new($"'{Path}' {text}.");

    private Tensor RunOnce(Tensor rows, long[] outputShape)
    {
        Tensor result = empty([rows.size(0), .. outputShape], _outputType, CPU);
        try
        {
            using OrtValue input = Wrap(rows), output = Wrap(result);
            _session.Run(_run, [_input], [input], [_output], [output]);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidOperationException($"'{Path}' must take [{string.Join(", ", rows.shape)}] and give [{string.Join(", ", result.shape)}], but it failed: {e.Message}", e);
        }
        GC.KeepAlive(rows);
        return result;
    }

    // The memory stays the tensor's, which has to be contiguous and to outlive the value.
    private static unsafe OrtValue Wrap(Tensor tensor)
    {
        using Tensor flat = tensor.view(-1);
        using Tensor first = flat.narrow(0, 0, 1);
        fixed (byte* address = &MemoryMarshal.GetReference(first.bytes))
        {
            TensorElementType type = tensor.dtype == ScalarType.Float16 ? TensorElementType.Float16 : TensorElementType.Float;
            return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, type, tensor.shape, (nint)address, tensor.numel() * tensor.element_size());
        }
    }

    private ScalarType TypeOf(NodeMetadata node, string kind, string name)
    {
        if (!node.IsTensor) throw Wrong($"must have tensors, but its {kind} '{name}' is of kind {node.OnnxValueType}");
        return node.ElementDataType switch
        {
            TensorElementType.Float => ScalarType.Float32,
            TensorElementType.Float16 => ScalarType.Float16,
            _ => throw Wrong($"must have tensors of float32 or float16, but its {kind} '{name}' is of {node.ElementDataType}"),
        };
    }

    private static string Only(string path, IReadOnlyList<string> names, string kind, string cure) => names is [string only]
        ? only
        : throw new InvalidDataException($"'{path}' must have one {kind}, but it has {names.Count}: {string.Join(", ", names.Take(8))}. {cure}.");

    private static string Named(string path, IReadOnlyList<string> names, string wanted, string option) => names.Contains(wanted, StringComparer.Ordinal)
        ? wanted
        : throw new ArgumentException($"{option} must be an output of '{path}', but it is '{wanted}'. Those are {string.Join(", ", names.Take(8))}.", option);
}
