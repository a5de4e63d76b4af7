namespace LatentStitching.Numerics.Products;

/// <summary>Four numbers in a register, as they are brought from a matrix into panels: implemented by a struct a number type.</summary>
/// <typeparam name="TVector">The register.</typeparam>
/// <typeparam name="TNumber">The number.</typeparam>
internal unsafe interface IQuads<TVector, TNumber>
    where TNumber : unmanaged
{
    static abstract TVector Load(TNumber* numbers);

    /// <summary>The same from numbers of float32 or float64, converted.</summary>
    static abstract TVector Convert<TStored>(TStored* numbers)
        where TStored : unmanaged;

    /// <summary>One number in all four places.</summary>
    static abstract TVector Repeat(TNumber number);

    /// <summary>a·b + c, rounded once.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    static abstract void Store(TVector vector, TNumber* numbers);

    /// <summary>Turns the rows of a 4 by 4 matrix into its columns. For processors with AVX.</summary>
    static abstract void Transpose(ref TVector a, ref TVector b, ref TVector c, ref TVector d);
}
