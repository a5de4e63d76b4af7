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
        _curl = Pixels.Wave((beside + canvas.V).mul_(1.9f).add_(canvas.Column(face => 0.1f + 0.08f * face[Parting])));
        _curl.mul_(wavy);

        // The outline: half an ellipse over a band that ends, rounded, at the hair's length.
        Tensor x = canvas.U * canvas.Column(face => 1 / Width(face));
        Tensor up = canvas.V.clamp_max(0) * canvas.Column(face => 1 / (1.06f + 0.12f * face[HairVolume]));
        Tensor down = (canvas.V - canvas.Column(face => Length(face) - 0.45f)).clamp_min_(0).mul_(1 / 0.45f);
        Tensor radius = x * x + up * up + down * down;
        radius.mul_(_curl * 0.11f + 1);
        _mass = Pixels.Edge((1 - radius).mul_(0.45f), canvas.PerPixel).mul_(canvas.Column(face => 1 - face[Baldness]));

        _tone = Strands(wavy, beside);
        _dark = canvas.Colour(face => FacePalette.Hair(face) * FacePalette.Light(face) * 0.42f);
        _bright = canvas.Colour(face => Vector3.Lerp(FacePalette.Hair(face), Vector3.One, 0.10f) * FacePalette.Light(face) * 1.22f);
    }

    public void DrawBehind()
    {
        using var scope = NewDisposeScope();
        FaceBand all = _canvas.Band(-1, 1);
        // In the shade of the head.
        Tensor tone = _tone - 0.22f * Pixels.Blob(all.U * 1.1f, (all.V - 0.75f).mul_(1.1f));
        all.Paint(_mass, tone, _dark, _bright);
    }

    public void DrawInFront()
    {
        using var scope = NewDisposeScope();
        FaceBand all = _canvas.Band(-1, 1);
        Tensor p = all.P - _canvas.Column(face => 0.18f * face[Parting]);
        p.mul_(p);
        // The hairline falls from the parting to the temples, and further down before the ears in long hair.
        Tensor line = p * p * _canvas.Column(face => 0.55f + 0.55f * Long(face)) + p * 0.10f;
        line.clamp_max_(0.75f);
        line.add_(_canvas.Column(face => -0.62f + 0.32f * face[Fringe]));
        line.add_(_curl * 0.05f);
        Tensor cap = Pixels.Edge(line - all.Q, _canvas.PerPixel * 0.7f);
        // Locks that hang beside the face, for hair long enough.
        Tensor locks = Pixels.Edge(all.U.abs() + _curl * 0.05f - _canvas.Column(face => face[FaceWidth] * (1.16f - 0.28f * Long(face))), _canvas.PerPixel);
        Tensor mask = max(cap, locks).mul_(_mass);
        all.Paint(mask, _tone, _dark, _bright);
        DrawShine();
    }

    // Strands run from the parting down; in wavy hair they swing, and the light breaks on the curls.
    private Tensor Strands(Tensor wavy, Tensor beside)
    {
        FaceCanvas canvas = _canvas;
        Tensor across = canvas.U * (5.5f - 2 * canvas.V);
        across.add_(Pixels.Wave(canvas.V * 1.7f + 0.3f) * wavy * 0.5f);
        Tensor tone = Pixels.Wave(across.mul(1.0f)).mul_(0.09f);
        tone.add_(Pixels.Wave(across.mul(2.3f).add_(0.4f)).mul_(0.06f));
        tone.add_(_curl * 0.20f);
        Tensor shine = Pixels.Ridge((canvas.V + 0.72f - beside * beside * 0.5f).mul_(4.5f));
        tone.add_(shine.mul_(0.30f - 0.22f * wavy));
        tone.add_(canvas.U * canvas.Column(face => 0.30f * FaceCanvas.LightDirection(face).X));
        tone.add_(0.42f);
        return tone.clamp_(0, 1);
    }

    // The bare crown reflects the light.
    private void DrawShine()
    {
        FaceBand band = _canvas.Band(-0.9f, 0.1f);
        Tensor x = band.U - _canvas.Column(face => 0.35f * FaceCanvas.LightDirection(face).X);
        Tensor shine = Pixels.Blob(x.mul_(2.6f), (band.V + 0.66f).mul_(4));
        band.Paint(shine.mul_(_canvas.Column(face => 0.55f * face[Baldness])), _canvas.Colour(face => Vector3.One));
    }

    private static float Width(Face face) => face[FaceWidth] * 1.05f + 0.05f + 0.15f * face[HairVolume] * (0.6f + 0.6f * face[HairLength]);

    private static float Length(Face face) => 0.10f + 1.7f * face[HairLength];

    private static float Long(Face face) => Math.Clamp((face[HairLength] - 0.25f) * 4, 0, 1);
}
