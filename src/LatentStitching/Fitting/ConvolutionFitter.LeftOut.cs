using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <content>The errors of images under the kernel of all other images, without refits.</content>
public sealed partial class ConvolutionFitter
{
    // Of a pivot of I − H: below, or below what rounding leaves of an ill-conditioned Gram matrix, there is no kernel without the image.
    private const double Judged = 1e-10;

    /// <summary>Σ of the squared left-out errors of each image, [n]; infinite for one without which the kernel is not determined as it was.</summary>
    internal double[] LeftOut(LatentPairs pairs, CancellationToken cancellationToken)
    {
        LinearFit.RequirePairs(pairs, _options.FitIntercept);
        StructuredFit.RequireColumns(pairs, _options.SourceShape, _options.TargetShape);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return LeftOut(Solve(pairs, cancellationToken), cancellationToken);
    }

    // With the residuals E [p, c'] of an image and Z = (G + αI)^(−½)·P, P [w, p] its patches, the hat matrix of its places is H = ZᵀZ and its left-out residuals are (I − H)⁻¹E: Allen (1974) for a group of rows.
    // A free offset at every number adds 1/n to the diagonal of H, which gives s(I − s·ZᵀZ)⁻¹E, s = n/(n − 1); one offset a channel adds a row of 1/√(n·p) to Z.
    // The smaller of I − s·ZᵀZ [p, p] and I − s·ZZᵀ [w, w] is factored: (I − s·ZᵀZ)⁻¹ = I + s·Zᵀ(I − s·ZZᵀ)⁻¹Z.
    private double[] LeftOut(Solved solved, CancellationToken cancellationToken)
    {
        CentredMatrix x = solved.Source, y = solved.Target;
        long count = x.Rows, outputs = _options.TargetShape[0];
        bool perChannel = _options is { FitIntercept: true, OffsetPerChannel: true };
        double factor = _options.FitIntercept && !perChannel ? count / (count - 1.0) : 1;
        (Tensor root, double condition) = Root(solved.Gram, count * Places);
        double least = Math.Max(Judged, 10 * Spectrum.Epsilon * condition);
        Tensor kernel = solved.Solution.Weight.t();
        double[] errors = new double[count];
        foreach ((long start, long size) in CentredMatrix.Blocks(count, ImagesABlock))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var block = NewDisposeScope();
            Tensor patches = Patches(x, start, size).sub(solved.PatchMean);
            // [size, p, c'] and [size, r, p].
            Tensor residuals = Channels(y, start, size).sub(solved.TargetMean).sub(kernel.mm(patches)).reshape(outputs, size, Places).permute(1, 2, 0);
            Tensor z = root.mm(patches).reshape(-1, size, Places).transpose(0, 1);
            if (perChannel) z = cat([z, full([size, 1, Places], 1 / Math.Sqrt((double)count * Places), ScalarType.Float64, z.device)], 1);
            bool byPlace = Places <= z.size(1) || z.size(1) == 0;
            Tensor left = (byPlace ? z.transpose(1, 2).matmul(z) : z.matmul(z.transpose(1, 2))).mul_(-factor);
            left.diagonal(0, 1, 2).add_(1);
            (Tensor lower, Tensor info) = linalg.cholesky_ex(left);
            Tensor sides = byPlace ? residuals : z.matmul(residuals), solution = linalg.solve_triangular(lower.transpose(1, 2), linalg.solve_triangular(lower, sides, upper: false), upper: true);
            Tensor leftOut = byPlace ? solution : residuals.add(z.transpose(1, 2).matmul(solution), alpha: factor);
            Tensor squares = leftOut.square().sum([1, 2]).mul_(factor * factor);
            Tensor judged = info.eq(0).logical_and(lower.diagonal(0, 1, 2).square().amin([1]).gt(least));
            where(judged, squares, full_like(squares, double.PositiveInfinity)).cpu().data<double>().ToArray().CopyTo(errors, start);
        }
        return errors;
    }

    // (G + αI)^(−½) on the directions that count, [r, w], and the condition number of G + αI there.
    private (Tensor Root, double Condition) Root(Tensor gram, long rows)
    {
        (Tensor values, Tensor vectors) = linalg.eigh(gram);
        Tensor kept = _options.Alpha > 0 ? values.add(_options.Alpha).gt(0).nonzero().squeeze(1) : MomentSolver.Kept(values, rows, MomentSolver.Cut(rows));
        Tensor shifted = values.index_select(0, kept).add(_options.Alpha);
        double condition = kept.size(0) == 0 ? 1 : shifted[-1].ToDouble() / shifted[0].ToDouble();
        return (vectors.index_select(1, kept).mul(shifted.rsqrt()).t(), condition);
    }

    // Leaving an image out moves the mean too: yᵢ minus the mean of the others is n/(n − 1) times yᵢ − ȳ.
    private double? LeaveOneOutR2(double[] errors, LatentPairs pairs)
    {
        double error = errors.Sum(), total = CentredMatrix.Of(pairs.Target, _options.FitIntercept).SumOfSquares();
        return double.IsPositiveInfinity(error) ? null : LinearFit.R2(error, total * (_options.FitIntercept ? Math.Pow(pairs.Count / (pairs.Count - 1.0), 2) : 1));
    }
}
