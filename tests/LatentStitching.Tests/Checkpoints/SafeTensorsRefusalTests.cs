using System.Globalization;
using System.Text;
using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Checkpoints;

[NoTensorLeaks]
public sealed class SafeTensorsRefusalTests
{
    [Theory]
    [InlineData("bad_huge_header.safetensors", "must have a header of at most 100000000 bytes, but it declares 1152921504606846976. It is damaged or no safetensors file.")]
    [InlineData("bad_json.safetensors", "must have a JSON object as its header, but it cannot be read: *")]
    [InlineData("bad_negative.safetensors", "must have shapes of at most 64 dimensions, none negative, of less than 2^63 bytes, but that of 'a' is [-1].")]
    [InlineData("bad_out_of_range.safetensors", "must hold the data of all tensors, but 'a' ends at byte 32 of 16. The file is cut short or its header is damaged.")]
    [InlineData("bad_overlap.safetensors", "must keep its tensors apart, but 'b' begins at byte 4 and 'a' ends at 8: they overlap.")]
    [InlineData("bad_shape.safetensors", "must give each tensor the bytes of its shape, but 'a', F32 [3], needs 12 and has 16.")]
    [InlineData("truncated.safetensors", "must hold the data of all tensors, but 'dec.up2.bias' ends at byte 13316 of 13311. The file is cut short or its header is damaged.")]
    public void Load_BadFixture_ThrowsNamingWhatIsWrong(string name, string text)
    {
        string path = CheckpointFiles.Fixture(name);
        string expected = $"'{path}' {text}";
        ((Action)(() => SafeTensors.Load(path))).Should().Throw<InvalidDataException>().WithMessage(expected);
        ((Action)(() => StateDictionary.Load(path))).Should().Throw<InvalidDataException>().WithMessage(expected);
    }

    [Theory]
    [InlineData("[]", 0, "must have a JSON object as its header, but it is of kind Array.")]
    [InlineData("{} x", 0, "must have a JSON object as its header, but it cannot be read: *")]
    [InlineData("{\"a\":1}", 0, "must describe each tensor by an object, but 'a' is of kind Number.")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "must give dtype, shape and data_offsets for each tensor, but 'a' lacks data_offsets.")]
    [InlineData("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "must give dtype, shape and data_offsets for each tensor, but 'a' lacks dtype.")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "must give dtype, shape and data_offsets for each tensor, but 'a' lacks shape.")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, "must give dtype, shape and data_offsets for each tensor, but 'a' has 'x'.")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "must give each field once, but 'a' has 'dtype' twice.")]
    [InlineData("{\"a\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "must have texts as dtype, but that of 'a' is of kind Number.")]
    [InlineData("{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "must hold tensors of F16, BF16, F32, F64, I8, I16, I32, I64, U8, BOOL, C64, U16, U32, U64, but 'a' is F8_E4M3, which TorchSharp has no type for. Convert it in Python first.")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":4,\"data_offsets\":[0,4]}}", 4, "must have a list as shape, but that of 'a' is of kind Number.")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "must have whole numbers of 64 bits as shape, but that of 'a' holds 1.5.")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}", 4, "must have whole numbers of 64 bits as shape, but that of 'a' holds 99999999999999999999.")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}", 4, "must have shapes of at most 64 dimensions, none negative, of less than 2^63 bytes, but that of 'a' is [4294967296, 4294967296].")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[0,4611686018427387904],\"data_offsets\":[0,0]}}", 0, "must have shapes of at most 64 dimensions, none negative, of less than 2^63 bytes, but that of 'a' is [0, 4611686018427387904].")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "must have two rising offsets, from 0, as data_offsets, but those of 'a' are [4, 0].")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "must have two rising offsets, from 0, as data_offsets, but those of 'a' are [-4, 0].")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "must have two rising offsets, from 0, as data_offsets, but those of 'a' are [0].")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "must have no gaps, but bytes 0 to 4, before 'a', belong to no tensor.")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 9, "must end with its last tensor, but 5 bytes after byte 4 of the data belong to no tensor.")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "must name each tensor once, but its header names 'a' twice.")]
    [InlineData("{\"__metadata__\":7}", 0, "must have an object as __metadata__, but it is of kind Number.")]
    [InlineData("{\"__metadata__\":{\"k\":7}}", 0, "must have texts as metadata, but 'k' is of kind Number.")]
    [InlineData("{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}", 0, "must name metadata once, but 'k' comes twice.")]
    [InlineData("{\"\\ud800\":{}}", 0, "must have a JSON object as its header, but it cannot be read: *")]
    [InlineData("{\"a\":[[[[[[[[1]]]]]]]]}", 0, "must have a JSON object as its header, but it cannot be read: *")]
    public void Load_BadHeader_ThrowsNamingWhatIsWrong(string header, int data, string text) =>
        CheckpointFiles.With(CheckpointFiles.SafeTensors(header, data), path =>
            ((Action)(() => SafeTensors.Load(path))).Should().Throw<InvalidDataException>().WithMessage($"'{path}' {text}"));

    [Fact]
    public void Load_SixtyFiveDimensions_Throws()
    {
        string shape = string.Join(",", Enumerable.Repeat("1", 65));
        CheckpointFiles.With(CheckpointFiles.SafeTensors($"{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{shape}],\"data_offsets\":[0,1]}}}}", 1), path =>
            ((Action)(() => SafeTensors.Load(path))).Should().Throw<InvalidDataException>().WithMessage("*must have at most 64 numbers as shape, but that of 'a' has 65."));
    }

    [Fact]
    public void Load_InvalidUtf8InAName_Throws()
    {
        byte[] header = Encoding.Latin1.GetBytes("{\"a\u00ff\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        CheckpointFiles.With(CheckpointFiles.SafeTensors(header, []), path =>
            ((Action)(() => SafeTensors.Load(path))).Should().Throw<InvalidDataException>().WithMessage("*must have a JSON object as its header, but it cannot be read: *"));
    }

    [Fact]
    public void Load_BooleanOfTwo_Throws()
    {
        byte[] header = Encoding.UTF8.GetBytes("{\"a\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[0,2]}}");
        CheckpointFiles.With(CheckpointFiles.SafeTensors(header, [1, 2]), path =>
            ((Action)(() => SafeTensors.Load(path))).Should().Throw<InvalidDataException>()
                .WithMessage($"'{path}' must hold Booleans as bytes 0 and 1, but 'a' holds others. The file is damaged."));
    }

    [Theory]
    [InlineData("", "must begin with the 8 bytes of its header's length, but it holds 0 bytes. It is cut short or no safetensors file.")]
    [InlineData("0a000000000000007b7d", "must hold its whole header, but that is 10 bytes long and 2 follow. The file is cut short.")]
    [InlineData("ffffffffffffffff7b7d", "must have a header of at most 100000000 bytes, but it declares 18446744073709551615. It is damaged or no safetensors file.")]
    public void Load_BadBeginning_ThrowsNamingWhatIsWrong(string hex, string text) => CheckpointFiles.With(Convert.FromHexString(hex), path =>
        ((Action)(() => SafeTensors.Load(path))).Should().Throw<InvalidDataException>().WithMessage($"'{path}' {text}"));

    [Fact]
    public void Load_TerabytesDeclaredInASmallFile_TakesNoMemory()
    {
        string size = (1L << 42).ToString(CultureInfo.InvariantCulture);
        CheckpointFiles.With(CheckpointFiles.SafeTensors($"{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{size}],\"data_offsets\":[0,{size}]}}}}", 16), path =>
            ((Action)(() => SafeTensors.Load(path))).Should().Throw<InvalidDataException>().WithMessage("*ends at byte 4398046511104 of 16.*"));
    }
}
