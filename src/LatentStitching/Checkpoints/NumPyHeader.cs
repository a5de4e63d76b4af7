using System.Globalization;
using System.Text;

namespace LatentStitching.Checkpoints;

/// <summary>The header of a .npy file: a Python dictionary of the element type, the order and the shape. Read by a parser of just that.</summary>
/// <remarks>Source: <see href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">the .npy format, versions 1.0, 2.0 and 3.0</see>.</remarks>
internal sealed record NumPyHeader(NumPyType Type, bool BigEndian, bool ColumnMajor, long[] Shape)
{
    /// <summary>The longest header read, in bytes. Version 1 can hold no longer one, and the types that need it are refused.</summary>
    public const int MaxLength = ushort.MaxValue;

    private const int Alignment = 64;

    /// <summary>The bytes that a file begins with.</summary>
    public static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Parses the dictionary.</summary>
    /// <param name="text">The header without what comes before it.</param>
    /// <param name="owner">Begins every message: the file, in quotes.</param>
    public static NumPyHeader Parse(string text, string owner)
    {
        PythonLiteral python = new(text, owner);
        (NumPyType Type, bool BigEndian)? type = null;
        bool? columnMajor = null;
        long[]? shape = null;
        python.Require('{');
        while (!python.Take('}'))
        {
            string key = python.Text();
            python.Require(':');
            bool first = key switch
            {
                "descr" => type is null,
                "fortran_order" => columnMajor is null,
                "shape" => shape is null,
                _ => throw python.Invalid($"must describe descr, fortran_order and shape, but its header has '{PickleText.Safe(key)}'."),
            };
            if (!first) throw python.Invalid($"must give each field once, but its header has '{key}' twice.");
            if (key == "descr") type = ReadType(python);
            else if (key == "fortran_order") columnMajor = python.Flag();
            else shape = python.Numbers();
            if (!python.Take(','))
            {
                python.Require('}');
                break;
            }
        }
        python.RequireEnd();
        if (type is null || columnMajor is null || shape is null)
        {
            string missing = type is null ? "descr" : columnMajor is null ? "fortran_order" : "shape";
            throw python.Invalid($"must describe descr, fortran_order and shape, but its header lacks {missing}.");
        }
        return new NumPyHeader(type.Value.Type, type.Value.BigEndian, columnMajor.Value, shape);
    }

    /// <summary>A whole header of version 1.0, in C order, whose length is a multiple of 64 bytes.</summary>
    public static byte[] ToBytes(NumPyType type, ReadOnlySpan<long> shape)
    {
        StringBuilder numbers = new();
        foreach (long length in shape) numbers.Append(CultureInfo.InvariantCulture, $"{length}, ");
        string tuple = shape.Length == 1 ? $"{shape[0].ToString(CultureInfo.InvariantCulture)}," : numbers.ToString().TrimEnd(' ', ',');
        string text = $"{{'descr': '{type.Descriptor}', 'fortran_order': False, 'shape': ({tuple}), }}";
        int begin = Magic.Length + 4, length64 = (begin + text.Length + 1 + Alignment - 1) / Alignment * Alignment;
        int length16 = length64 - begin;
        return
        [
            .. Magic, 1, 0, (byte)length16, (byte)(length16 >> 8),
            .. Encoding.ASCII.GetBytes(text.PadRight(length16 - 1)), (byte)'\n',
        ];
    }

    private static (NumPyType Type, bool BigEndian) ReadType(PythonLiteral python)
    {
        if (python.Peek() is '[' or '(')
        {
            throw python.Invalid("must hold plain numbers, but its elements are records (a structured dtype). Save each field as an array of its own.");
        }
        string text = python.Text();
        char order = text.Length > 0 ? text[0] : ' ';
        string code = order is '<' or '>' or '|' or '=' ? text[1..] : text;
        if (code.StartsWith('O'))
        {
            throw python.Invalid("must hold plain numbers, but it holds Python objects (dtype object): those are a pickle, which could run code. Nothing of it was run. Save it as numbers.");
        }
        NumPyType type = NumPyType.Of(code) ?? throw python.Invalid(
            $"must hold numbers of b1, i1 to i8, u1 to u8, f2 to f8, c8 or c16, but its elements are '{PickleText.Safe(text)}'. Convert it in Python first: array.astype('f4').");
        if (type.Size > 1 && order is not ('<' or '>' or '=')) throw python.Invalid($"must say its byte order by < or >, but its elements are '{PickleText.Safe(text)}'.");
        return (type, order == '>');
    }
}
