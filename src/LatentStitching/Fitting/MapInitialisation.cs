namespace LatentStitching.Fitting;

/// <summary>The map that an iterative fit starts from.</summary>
public enum MapInitialisation
{
    /// <summary>W = 0, b = 0. Without penalties gradient steps then stay in the row space of the source and end in the solution of least norm.</summary>
    Zeros,

    /// <summary>W uniform on ±√(6/(d_s + d_t)), b = 0: the default of a Keras Dense layer (Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010, eq. 16).</summary>
    GlorotUniform,
}
