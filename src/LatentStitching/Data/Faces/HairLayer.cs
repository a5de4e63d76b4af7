using System.Numerics;
using static LatentStitching.Data.Faces.FaceFactor;

namespace LatentStitching.Data.Faces;

/// <summary>Hair: the mass behind the head, then the cap, the fringe and the locks in front of it.</summary>
internal sealed class HairLayer
{
    private readonly FaceCanvas _canvas;
    private readonly Tensor _mass;
    private readonly Tensor _curl;
    private readonly Tensor _tone;
    private readonly Tensor _dark;
    private readonly Tensor _bright;

    /// <summary>Measures the hair. The tensors belong to the caller's dispose scope.</summary>
    public HairLayer(FaceCanvas canvas)
    {
        _canvas = canvas;
        Tensor wavy = canvas.Column(face => face[Waviness]);
        Tensor beside = canvas.U.abs();
        _curl = Pixels.Wave(Pixels.Offset(beside + canvas.V, canvas.Column(face => -0.149f - 0.02f * face[Parting]), 1.9f));
        _curl.mul_(wavy);

        // The outline: half an ellipse over a band that ends, rounded, at the hair's length.
        Tensor x = canvas.U * canvas.Column(face => 1 / Width(face));
        Tensor up = canvas.V.clamp_max(0) * canvas.Column(face => 1 / (1.06f + 0.12f * face[HairVolume]));
        Tensor down = Pixels.Offset(canvas.V, canvas.Column(face => Length(face) - 0.45f), 1 / 0.45f);
        down.clamp_min_(0);
        // Short hair lies closer to the head towards the ears.
        Tensor taper = (canvas.V + 0.5f).clamp_min_(0);
        taper.mul_(canvas.Column(face => 0.22f * (1 - Long(face))));
        taper.add_(1);
        x.mul_(taper);
        x.mul_(x);
        up.mul_(up);
        down.mul_(down);
        x.add_(up);
        x.add_(down);
        Tensor crests = _curl * -0.11f;
        crests.add_(1);
        x.mul_(crests);
        x.sub_(1);
        _mass = Pixels.Edge(x, canvas.PerPixel * -0.45f);
        _mass.mul_(canvas.Column(face => 1 - face[Baldness]));

        _tone = Strands(wavy, beside);
        _dark = canvas.Colour(face => FacePalette.Hair(face) * FacePalette.Light(face) * 0.42f);
        _bright = canvas.Colour(face => Vector3.Lerp(FacePalette.Hair(face), Vector3.One, 0.10f) * FacePalette.Light(face) * 1.22f);
    }

    public void DrawBehind()
    {
        using var scope = NewDisposeScope();
        FaceBand all = _canvas.Band(-1, 1);
        // In the shade of the head.
        Tensor tone = Pixels.Blob(all.U, 0, 1.1f, all.V, 0.75f, 1.1f);
        tone.mul_(-0.22f);
        tone.add_(_tone);
        all.Paint(_mass, tone, _dark, _bright);
    }

    public void DrawInFront()
    {
        using var scope = NewDisposeScope();
        FaceBand all = _canvas.Band(-1, 1);
        Tensor p = all.P - _canvas.Column(face => 0.18f * face[Parting]);
        p.mul_(p);
        // The hairline falls from the parting to the temples, and further down before the ears in long hair.
        Tensor line = p * _canvas.Column(face => 0.55f + 0.55f * Long(face));
        line.add_(0.10f);
        line.mul_(p);
        line = min(line, _canvas.Column(face => 0.75f + 2 * Long(face)));
        line.add_(_canvas.Column(face => -0.62f + 0.32f * face[Fringe]));
        // Swept to one side.
        line.add_(all.P * _canvas.Column(face => 0.22f * face[Parting]));
        line.add_(_curl * 0.05f);
        line.sub_(all.Q);
        Tensor cap = Pixels.Edge(line, _canvas.PerPixel * 0.7f);
        // Locks that hang beside the face, for hair long enough.
        Tensor locks = all.U.abs();
        locks.add_(_curl * 0.05f);
        locks.sub_(_canvas.Column(face => face[FaceWidth] * (1.16f - 0.28f * Long(face))));
        Tensor mask = max(cap, Pixels.Edge(locks, _canvas.PerPixel));
        mask.mul_(_mass);
        all.Paint(mask, _tone, _dark, _bright);
    }

    // Strands run from the parting down; in wavy hair they swing, and the light breaks on the curls.
    private Tensor Strands(Tensor wavy, Tensor beside)
    {
        FaceCanvas canvas = _canvas;
        using var scope = NewDisposeScope();
        Tensor across = Pixels.Offset(canvas.V, 2.75f, -2);
        across.mul_(canvas.U);
        Tensor swing = Pixels.Wave(Pixels.Offset(canvas.V, -0.18f, 1.7f));
        swing.mul_(wavy * 0.5f);
        across.add_(swing);
        Tensor tone = Pixels.Wave(across * 2.3f);
        tone.mul_(0.06f);
        Tensor wide = Pixels.Wave(across);
        wide.mul_(0.09f);
        tone.add_(wide);
        tone.add_(_curl * 0.20f);
        Tensor shine = beside * beside;
        shine.mul_(-0.5f);
        shine.add_(canvas.V);
        shine = Pixels.Ridge(shine, -0.72f, 4.5f);
        shine.mul_(0.30f - 0.22f * wavy);
        tone.add_(shine);
        tone.add_(canvas.U * canvas.Column(face => 0.30f * FaceCanvas.LightDirection(face).X));
        tone.add_(0.42f);
        tone.clamp_(0, 1);
        return tone.MoveToOuterDisposeScope();
    }

    /// <summary>Where there is no hair the crown reflects the light.</summary>
    public static void DrawShine(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand band = canvas.Band(-0.9f, 0.1f);
        Tensor shine = Pixels.Blob(band.U, canvas.Column(face => 0.35f * FaceCanvas.LightDirection(face).X), 2.6f, band.V, -0.66f, 4);
        shine.mul_(canvas.Column(face => 0.55f * face[Baldness]));
        band.Paint(shine, canvas.Colour(_ => Vector3.One));
    }

    private static float Width(Face face) => face[FaceWidth] * 1.05f + 0.05f + 0.15f * face[HairVolume] * (0.6f + 0.6f * face[HairLength]);

    private static float Length(Face face) => 0.10f + 1.7f * face[HairLength];

    private static float Long(Face face) => Math.Clamp((face[HairLength] - 0.25f) * 4, 0, 1);
}
