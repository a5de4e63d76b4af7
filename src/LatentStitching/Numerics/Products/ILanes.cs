namespace LatentStitching.Numerics.Products;

/// <summary>What the kernel of a product needs of a vector register full of numbers: implemented by a struct a register width and number type, so that the compiler makes one straight piece of machine code of each.</summary>
/// <typeparam name="TVector">The register.</typeparam>
/// <typeparam name="TNumber">The number.</typeparam>
internal unsafe interface ILanes<TVector, TNumber>
    where TNumber : unmanaged
{
    /// <summary>Numbers a register.</summary>
    static abstract int Count { get; }

    static abstract TVector Zero { get; }

    static abstract TVector Load(TNumber* numbers);

    /// <summary>One number in all lanes.</summary>
    static abstract TVector Repeat(TNumber* number);

    /// <summary>a·b + c, rounded once.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>Adds to numbers in memory, which are of the same type or float64.</summary>
    static abstract void AddTo<TSum>(TSum* sums, TVector vector)
        where TSum : unmanaged;
}
