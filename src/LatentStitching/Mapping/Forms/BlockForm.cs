using System.Globalization;

namespace LatentStitching.Mapping.Forms;

/// <summary>One form a block: each takes a run of source columns of its own and gives a run of target columns of its own; zero elsewhere.</summary>
internal sealed class BlockForm : LinearForm
{
    private readonly IReadOnlyList<Part> _parts; // by target offset

    public BlockForm(IEnumerable<Part> parts, long source, long target)
    {
        _parts = [.. parts.SelectMany(Flat).OrderBy(part => part.TargetOffset)];
        SourceDimension = source;
        TargetDimension = target;
    }

    /// <summary>A block and where it lies.</summary>
    internal sealed class Part(LinearForm form, long sourceOffset, long targetOffset)
    {
        public LinearForm Form => form;

        public long SourceOffset => sourceOffset;

        public long TargetOffset => targetOffset;
    }

    public IReadOnlyList<Part> Parts => _parts;

    public override string Kind => "blocks";

    public override string Text => $"{_parts.Count} blocks: {string.Join("; ", _parts.Select(part => $"{part.Form.SourceDimension} → {part.Form.TargetDimension} {part.Form.Text}"))}";

    public override long SourceDimension { get; }

    public override long TargetDimension { get; }

    public override long FullRank => _parts.Sum(part => part.Form.FullRank);

    public override IReadOnlyList<(string Name, Tensor Tensor)> Tensors =>
        [.. _parts.SelectMany((part, i) => part.Form.Tensors.Select(one => (string.Create(CultureInfo.InvariantCulture, $"block.{i}.{one.Name}"), one.Tensor)))];

    public override LinearForm With(Func<Tensor, Tensor> change) => Each(form => form.With(change));

    public override Tensor Times(Tensor rows)
    {
        List<Tensor> pieces = [];
        long column = 0;
        foreach (Part part in _parts)
        {
            Fill(part.TargetOffset);
            pieces.Add(part.Form.Times(rows.narrow(1, part.SourceOffset, part.Form.SourceDimension)));
            column += part.Form.TargetDimension;
        }
        Fill(TargetDimension);
        return cat(pieces, 1);

        void Fill(long until)
        {
            if (until > column) pieces.Add(zeros(rows.size(0), until - column, rows.dtype, rows.device));
            column = until;
        }
    }

    public override LinearForm Transposed() => Turned(form => form.Transposed());

    public override LinearForm Scaled(double factor) => Each(form => form.Scaled(factor));

    public override Tensor SingularValues() => Sorted(_parts.Select(part => part.Form.SingularValues()));

    public override double? OrthogonalScale(double tolerance)
    {
        double? scale = null;
        foreach (Part part in _parts)
        {
            double? one = part.Form.OrthogonalScale(tolerance);
            if (one is null || (scale is not null && Math.Abs(one.Value - scale.Value) > tolerance * scale)) return null;
            scale ??= one;
        }
        return scale;
    }

    public override (LinearForm Form, Tensor SingularValues) PseudoInverse(double relativeCut)
    {
        List<Tensor> values = [.. _parts.Select(part => part.Form.SingularValues())];
        double largest = values.Max(value => value[0].ToDouble());
        int next = 0;
        LinearForm inverse = Turned(form =>
        {
            double own = values[next++][0].ToDouble();
            // The cut is one for the whole matrix: a block that is small beside the others may vanish.
            return form.PseudoInverse(own > 0 ? relativeCut * largest / own : 1).Form;
        });
        return (inverse, Sorted(values));
    }

    public override IEnumerable<(string Key, string Value)> Facts()
    {
        yield return ("source", SourceDimension.ToString(CultureInfo.InvariantCulture));
        yield return ("blocks", _parts.Count.ToString(CultureInfo.InvariantCulture));
        for (int i = 0; i < _parts.Count; i++)
        {
            string prefix = string.Create(CultureInfo.InvariantCulture, $"block.{i}.");
            yield return (prefix + "form", _parts[i].Form.Kind);
            yield return (prefix + "source_offset", _parts[i].SourceOffset.ToString(CultureInfo.InvariantCulture));
            yield return (prefix + "target_offset", _parts[i].TargetOffset.ToString(CultureInfo.InvariantCulture));
            foreach ((string key, string value) in _parts[i].Form.Facts()) yield return (prefix + key, value);
        }
    }

    private BlockForm Each(Func<LinearForm, LinearForm> change) =>
        new(_parts.Select(part => new Part(change(part.Form), part.SourceOffset, part.TargetOffset)).ToList(), SourceDimension, TargetDimension);

    private BlockForm Turned(Func<LinearForm, LinearForm> change) =>
        new(_parts.Select(part => new Part(change(part.Form), part.TargetOffset, part.SourceOffset)).ToList(), TargetDimension, SourceDimension);

    private Tensor Sorted(IEnumerable<Tensor> values) => Padded(cat([.. values]).sort(descending: true).Values, Math.Min(TargetDimension, SourceDimension));

    private static IEnumerable<Part> Flat(Part part) => part.Form is BlockForm inner
        ? inner._parts.Select(one => new Part(one.Form, part.SourceOffset + one.SourceOffset, part.TargetOffset + one.TargetOffset))
        : [part];
}
