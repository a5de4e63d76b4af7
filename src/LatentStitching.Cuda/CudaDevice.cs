using LatentStitching.Native;

namespace LatentStitching.Cuda;

/// <summary>Chooses a CUDA device, or says why there is none.</summary>
public static class CudaDevice
{
    /// <summary>Whether a CUDA runtime is referenced and sees at least one GPU.</summary>
    public static bool IsAvailable
    {
        get
        {
            TorchNative.EnsureLoaded();
            return cuda.is_available();
        }
    }

    /// <summary>Gets a GPU.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <returns>The device, to pass to a model's constructor or to <c>tensor.to(device)</c>.</returns>
    /// <exception cref="InvalidOperationException">There is no CUDA runtime, or it sees no GPU; the text says what to check.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no GPU of that number.</exception>
    public static Device Get(int index = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        if (!IsAvailable)
        {
            throw new InvalidOperationException(
                "There is no CUDA device to use. Check that (a) the application references TorchSharp-cuda-linux or TorchSharp-cuda-windows 0.107.0 and no libtorch-cpu package, "
                + "(b) nvidia-smi lists a GPU, (c) the driver supports CUDA 12.8.");
        }
        int count = cuda.device_count();
        if (index >= count) throw new ArgumentOutOfRangeException(nameof(index), $"index must be below the number of GPUs, {count}, but it is {index}.");
        return device(DeviceType.CUDA, index);
    }
}
