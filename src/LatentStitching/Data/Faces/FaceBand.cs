namespace LatentStitching.Data.Faces;

/// <summary>Some rows of a canvas. What is drawn here appears on the canvas.</summary>
internal sealed class FaceBand(FaceCanvas canvas, int first, int rows)
{
    /// <summary>The picture's rows, [n, 3, rows, w]: a view.</summary>
    public Tensor Image { get; } = canvas.Image.narrow(2, first, rows);

    public Tensor U { get; } = canvas.U.narrow(1, first, rows);
    public Tensor V { get; } = canvas.V.narrow(1, first, rows);
    public Tensor P { get; } = canvas.P.narrow(1, first, rows);
    public Tensor Q { get; } = canvas.Q.narrow(1, first, rows);
    public Tensor Head { get; } = canvas.Head.narrow(1, first, rows);
    public Tensor Tone { get; } = canvas.Tone.narrow(1, first, rows);

    /// <summary>Head coordinates of a head that does not roll, [n, rows, 1].</summary>
    public Tensor BodyY { get; } = canvas.BodyY.narrow(1, first, rows);

    /// <summary>Covers the picture with a colour.</summary>
    /// <param name="mask">Coverage [n, rows, w], in [0, 1].</param>
    /// <param name="colour">Colours [n, 3, 1, 1], or [n, 3, rows, w].</param>
    public void Paint(Tensor mask, Tensor colour)
    {
        using Tensor step = colour - Image;
        step.mul_(mask.unsqueeze(1));
        Image.add_(step);
    }

    /// <summary>Covers the picture with shaded colour.</summary>
    /// <param name="mask">Coverage [n, rows, w], in [0, 1].</param>
    /// <param name="tone">Light [n, rows, w]: 0 gives <paramref name="dark"/>, 1 <paramref name="bright"/>.</param>
    /// <param name="dark">Colours [n, 3, 1, 1].</param>
    /// <param name="bright">Colours [n, 3, 1, 1].</param>
    public void Paint(Tensor mask, Tensor tone, Tensor dark, Tensor bright)
    {
        using Tensor span = bright - dark;
        using Tensor step = tone.unsqueeze(1) * span;
        step.add_(dark);
        step.sub_(Image);
        step.mul_(mask.unsqueeze(1));
        Image.add_(step);
    }

    /// <summary>Darkens the light on the skin: tone × (1 − strength × shape).</summary>
    /// <param name="shape">Grid [n, rows, w], in [0, 1]; consumed.</param>
    /// <param name="strength">In [0, 1].</param>
    public void Darken(Tensor shape, Coefficient strength)
    {
        Pixels.Scale(shape, strength);
        shape.mul_(Tone);
        Tone.sub_(shape);
        shape.Dispose();
    }

    /// <summary>Brightens the light on the skin: tone + strength × shape.</summary>
    /// <param name="shape">Grid [n, rows, w], in [0, 1]; consumed.</param>
    /// <param name="strength">In [0, 1].</param>
    public void Brighten(Tensor shape, Coefficient strength)
    {
        Pixels.Scale(shape, strength);
        Tone.add_(shape);
        shape.Dispose();
    }
}
