namespace LatentStitching.Checkpoints;

/// <summary>The checksum of zip files: CRC-32 of the reversed polynomial 0xEDB88320, four bytes at a time.</summary>
/// <remarks>Source: <see href="https://www.w3.org/TR/png-3/#D-CRCAppendix">the PNG specification, annex D</see>, for the polynomial; the tables for four bytes at once are its own continued.</remarks>
internal sealed class Crc32
{
    private const uint Polynomial = 0xEDB88320;
    private static readonly uint[][] _tables = Tables();
    private uint _state = uint.MaxValue;

    /// <summary>The checksum of what was added.</summary>
    public uint Value => ~_state;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        uint state = _state;
        (uint[] first, uint[] second, uint[] third, uint[] fourth) = (_tables[0], _tables[1], _tables[2], _tables[3]);
        for (; bytes.Length >= 4; bytes = bytes[4..])
        {
            state ^= System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            state = fourth[(byte)state] ^ third[(byte)(state >> 8)] ^ second[(byte)(state >> 16)] ^ first[state >> 24];
        }
        foreach (byte value in bytes) state = first[(byte)(state ^ value)] ^ (state >> 8);
        _state = state;
    }

    private static uint[][] Tables()
    {
        uint[][] tables = [new uint[256], new uint[256], new uint[256], new uint[256]];
        for (uint i = 0; i < 256; i++)
        {
            uint sum = i;
            for (int bit = 0; bit < 8; bit++) sum = (sum & 1) != 0 ? (sum >> 1) ^ Polynomial : sum >> 1;
            tables[0][i] = sum;
        }
        for (int table = 1; table < 4; table++)
        {
            for (int i = 0; i < 256; i++) tables[table][i] = tables[0][(byte)tables[table - 1][i]] ^ (tables[table - 1][i] >> 8);
        }
        return tables;
    }
}
