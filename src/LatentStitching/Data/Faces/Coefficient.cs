namespace LatentStitching.Data.Faces;

/// <summary>A number in a formula on grids: one for all faces, or a column [n, 1, 1] of one a face.</summary>
internal readonly struct Coefficient
{
    private Coefficient(float constant, Tensor? column)
    {
        Constant = constant;
        Column = column;
    }

    public float Constant { get; }

    /// <summary>The column, or null where the constant counts.</summary>
    public Tensor? Column { get; }

    public static implicit operator Coefficient(float constant) => new(constant, null);

    public static implicit operator Coefficient(Tensor column) => new(0, column);
}
