using System.Numerics;
using static LatentStitching.Data.Faces.FaceFactor;

namespace LatentStitching.Data.Faces;

/// <summary>A block of pictures being drawn, with the coordinates every layer needs.</summary>
/// <remarks>
/// <para>Grids are [n, h, w], columns of one number a face [n, 1, 1], colours [n, 3, 1, 1], the image [n, 3, h, w]; all float32.</para>
/// <para>
/// X and Y are image coordinates from −1 to 1. U and V are head coordinates: turned with the head, in units of half its height, y down, the chin
/// at V = 1. P and Q are coordinates on the face's surface, the ellipsoid turned by yaw and pitch: features stay at the same P and Q
/// however the head turns. P = 1 is half the width of the head, Q = 1 half its height.
/// </para>
/// <para>The tensors belong to the dispose scope in which the canvas is made.</para>
/// </remarks>
internal sealed class FaceCanvas
{
    private readonly IReadOnlyList<Face> _faces;

    public FaceCanvas(IReadOnlyList<Face> faces, int size)
    {
        _faces = faces;
        Size = size;
        X = Ramp(size).reshape(1, 1, size);
        Y = Ramp(size).reshape(1, size, 1);
        Image = empty(faces.Count, 3, size, size, dtype: ScalarType.Float32);

        Tensor perHead = Column(face => 1 / face[HeadSize]);
        Tensor cos = Column(face => Cos(face[Roll]));
        Tensor sin = Column(face => Sin(face[Roll]));
        BodyX = (X - Column(face => 2 * face[ShiftX])) * perHead;
        BodyY = (Y - Column(face => 2 * face[ShiftY] + 0.03f)) * perHead;
        U = BodyX * cos + BodyY * sin;
        V = BodyY * cos - BodyX * sin;
        PerPixel = Column(face => 0.5f * size * face[HeadSize]);
        HeadWidth = Column(face => face[FaceWidth]);

        // The jaw: below the middle the ellipse is drawn out towards a square (wide) or pulled in (narrow).
        Tensor nx = U / HeadWidth;
        Tensor low = V.clamp_min(0);
        low.mul_(low);
        low.mul_(Column(face => 0.45f - 0.95f * face[Jaw]));
        low.add_(1);
        Tensor radius = nx * nx;
        radius.mul_(low);
        radius.add_(V * V);
        Tensor nz = (1 - radius).clamp_min_(0).sqrt_();
        Head = Pixels.Edge((1 - radius).mul_(0.42f), PerPixel);

        Tensor cosYaw = Column(face => Cos(face[Yaw]));
        Tensor sinYaw = Column(face => Sin(face[Yaw]));
        P = nx * cosYaw - nz * sinYaw;
        Tensor forward = nz * cosYaw + nx * sinYaw;
        Q = V * Column(face => Cos(face[Pitch])) - forward * Column(face => Sin(face[Pitch]));

        // Half-Lambert shading of the ellipsoid.
        Tensor tone = nx * Column(face => 0.5f * LightDirection(face).X);
        tone.add_(V * Column(face => 0.5f * LightDirection(face).Y));
        tone.add_(nz * Column(face => 0.5f * LightDirection(face).Z));
        tone.add_(0.5f);
        tone.clamp_(0, 1);
        Tone = tone;
    }

    private FaceCanvas(FaceCanvas whole, IReadOnlyList<Face> faces, Tensor rows)
    {
        _faces = faces;
        Size = whole.Size;
        X = whole.X;
        Y = whole.Y;
        BodyX = whole.BodyX.index_select(0, rows);
        BodyY = whole.BodyY.index_select(0, rows);
        U = whole.U.index_select(0, rows);
        V = whole.V.index_select(0, rows);
        P = whole.P.index_select(0, rows);
        Q = whole.Q.index_select(0, rows);
        Head = whole.Head.index_select(0, rows);
        Tone = whole.Tone.index_select(0, rows);
        PerPixel = whole.PerPixel.index_select(0, rows);
        HeadWidth = whole.HeadWidth.index_select(0, rows);
        Image = whole.Image.index_select(0, rows);
    }

    public int Size { get; }

    public Tensor Image { get; }

    public Tensor X { get; }
    public Tensor Y { get; }

    /// <summary>Head coordinates of a head that does not roll: those of neck and shoulders. [n, 1, w] and [n, h, 1].</summary>
    public Tensor BodyX { get; }
    public Tensor BodyY { get; }

    public Tensor U { get; }
    public Tensor V { get; }
    public Tensor P { get; }
    public Tensor Q { get; }

    /// <summary>Coverage of the head, in [0, 1].</summary>
    public Tensor Head { get; }

    /// <summary>Light on the skin, 0 to 1. Layers darken it in place before the skin is painted.</summary>
    public Tensor Tone { get; }

    /// <summary>Pixels in one unit of head coordinates. Column.</summary>
    public Tensor PerPixel { get; }

    /// <summary>Half the width of the head. Column.</summary>
    public Tensor HeadWidth { get; }

    /// <summary>One number a face, [n, 1, 1].</summary>
    public Tensor Column(Func<Face, float> value) => tensor(_faces.Select(value).ToArray()).reshape(-1, 1, 1);

    /// <summary>One colour a face, [n, 3, 1, 1].</summary>
    public Tensor Colour(Func<Face, Vector3> colour)
    {
        float[] parts = new float[_faces.Count * 3];
        for (int i = 0; i < _faces.Count; i++) colour(_faces[i]).CopyTo(parts, 3 * i);
        return tensor(parts).reshape(-1, 3, 1, 1);
    }

    /// <summary>Lets a layer draw on some of the faces alone, which saves time where few faces have what it draws.</summary>
    /// <param name="has">Whether the layer changes anything on a face.</param>
    /// <param name="draw">Changes the image or the tone of the canvas it is given.</param>
    public void DrawOn(Func<Face, bool> has, Action<FaceCanvas> draw)
    {
        long[] chosen = [.. Enumerable.Range(0, _faces.Count).Where(i => has(_faces[i])).Select(i => (long)i)];
        if (chosen.Length == 0) return;
        using var scope = NewDisposeScope();
        Tensor rows = tensor(chosen);
        FaceCanvas some = new(this, [.. chosen.Select(i => _faces[(int)i])], rows);
        draw(some);
        Image.index_copy_(0, rows, some.Image);
        Tone.index_copy_(0, rows, some.Tone);
    }

    /// <summary>The rows of the picture between two heights, from −1 (top) to 1 (bottom): drawing there alone saves time.</summary>
    public FaceBand Band(float top, float bottom)
    {
        int first = Math.Max(0, (int)MathF.Floor((top + 1) / 2 * Size));
        int last = Math.Min(Size, (int)MathF.Ceiling((bottom + 1) / 2 * Size));
        return new FaceBand(this, first, last - first);
    }

    /// <summary>The direction towards the light: x to the right, y down, z to the viewer.</summary>
    public static Vector3 LightDirection(Face face)
    {
        float level = Cos(face[LightElevation]);
        return new Vector3(Sin(face[LightAzimuth]) * level, -Sin(face[LightElevation]), Cos(face[LightAzimuth]) * level);
    }

    public static float Sin(float degrees) => MathF.Sin(degrees * (MathF.PI / 180));

    public static float Cos(float degrees) => MathF.Cos(degrees * (MathF.PI / 180));

    private static Tensor Ramp(int size)
    {
        float[] centres = new float[size];
        for (int i = 0; i < size; i++) centres[i] = (2 * i + 1f) / size - 1;
        return tensor(centres);
    }
}
