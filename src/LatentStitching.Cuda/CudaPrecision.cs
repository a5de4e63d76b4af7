namespace LatentStitching.Cuda;

/// <summary>Whether float32 products on the GPU may be rounded to TensorFloat-32, which keeps 10 of 23 mantissa bits.</summary>
/// <remarks>
/// The setting is libtorch's own and holds for the whole process, so it is changed for a while only and put back. Statistics and maps are accumulated in float64 and do not depend on it;
/// encoders and decoders do. Not thread safe: change it where nothing else computes on the GPU.
/// </remarks>
public static class CudaPrecision
{
    /// <summary>Full float32 in matrix products and convolutions until the result is disposed. What published numbers should be made with.</summary>
    /// <returns>Puts the former setting back when disposed.</returns>
    public static IDisposable Full() => new Setting(tensorFloat: false);

    /// <summary>TensorFloat-32 in matrix products and convolutions until the result is disposed: faster, about three decimal digits.</summary>
    /// <returns>Puts the former setting back when disposed.</returns>
    public static IDisposable TensorFloat32() => new Setting(tensorFloat: true);

    private sealed class Setting : IDisposable
    {
        private readonly bool _products = backends.cuda.matmul.allow_tf32;
        private readonly bool _convolutions = backends.cudnn.allow_tf32;
        private bool _disposed;

        public Setting(bool tensorFloat) => (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32) = (tensorFloat, tensorFloat);

        public void Dispose()
        {
            if (_disposed) return;
            _disposed = true;
            (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32) = (_products, _convolutions);
        }
    }
}
