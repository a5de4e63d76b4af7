using LatentStitching.Numerics.Products;

namespace LatentStitching.Numerics;

/// <summary>Members R(α) = Y − U·diag(λ/(λ+α))·Z of the family of a source's residuals, and the norms of the rows of their combinations.</summary>
/// <remarks>Wide targets are represented by ZZᵀ and what of the targets no strength explains, so that no residual is formed. The tensors belong to the dispose scope that is open when the family is made.</remarks>
internal sealed class ResidualFamily
{
    private const int MostMembers = 8;
    private const long MostEntries = 1 << 26; // 512 MiB
    // A target of so many times the source's directions is wide: the products that spare it its residuals cost more than a few of those.
    private const double WideRatio = 2;
    private readonly RidgePath _path;
    private readonly RidgePath.Wide? _wide;
    private readonly List<Tensor> _left = [];   // α/(λ + α), [r]
    private readonly List<Tensor> _rows = [];   // R, [n, t]; of wide targets U·diag(α/(λ+α))·ZZᵀ, [n, r]
    private readonly List<(int First, int Second, Tensor Product)> _products = []; // row by row inner products of two members, [n]

    private ResidualFamily(RidgePath path, RidgePath.Wide? wide)
    {
        _path = path;
        _wide = wide;
    }

    /// <summary>Whether one more member may be kept.</summary>
    public bool HasRoom => _rows.Count == 0 || (_rows.Count < MostMembers && (_rows.Count + 1) * _path.Target.Rows * Width <= MostEntries);

    private long Width => _wide is null ? _path.Shares.size(1) : _path.Shares.size(0);

    /// <summary>An empty family.</summary>
    /// <param name="path">The source and the targets.</param>
    /// <param name="rest">‖Y − UZ‖², about.</param>
    public static ResidualFamily Of(RidgePath path, double rest) =>
        new(path, path.Shares.size(1) > WideRatio * path.Shares.size(0) ? path.Prepare(withBasis: false, rest) : null);

    /// <summary>Adds a member by its α/(λ + α), [r]. Gives the squared norms of its rows, [n].</summary>
    public Tensor Add(Tensor left)
    {
        using var adding = NewDisposeScope();
        Tensor kept = left.clone().MoveToOuterDisposeScope(), rows = empty(_path.Target.Rows, Width, ScalarType.Float64, left.device).MoveToOuterDisposeScope();
        int place = _rows.Count;
        _left.Add(kept);
        _rows.Add(rows);
        Tensor[] products = [.. Enumerable.Range(0, place + 1).Select(_ => empty(_path.Target.Rows, ScalarType.Float64, left.device).MoveToOuterDisposeScope())];
        Tensor shares = _wide is null ? _path.Kept(kept) : _wide.ShareGram.mul(kept.unsqueeze(1));
        foreach ((long start, long size) in CentredMatrix.Blocks(_path.Target.Rows, _path.Target.BlockRows))
        {
            using var scope = NewDisposeScope();
            Tensor basis = _path.Source.Left.narrow(0, start, size), own = rows.narrow(0, start, size);
            if (_wide is null && _path.IsPrimal) own.copy_(Product.From(_path.Target.Block(start, size), basis, shares));
            else Product.Set(own, basis, shares);
            Tensor other = _wide is null ? own : basis.mul(kept);
            for (int i = 0; i <= place; i++)
            {
                using var pair = NewDisposeScope();
                Tensor product = _rows[i].narrow(0, start, size).mul(other).sum([1]);
                if (_wide is { Squares: { } squares, Cross: { } cross }) product.add_(squares.narrow(0, start, size)).add_(cross.narrow(0, start, size).mv(_left[i].add(kept)));
                products[i].narrow(0, start, size).copy_(product);
            }
        }
        for (int i = 0; i <= place; i++) _products.Add((i, place, products[i]));
        return products[place];
    }

    /// <summary>√Σ wᵢ‖rᵢ‖² of each member, for weights [k, n]: [k, members].</summary>
    public Tensor WeightedNorms(Tensor weights)
    {
        using var scope = NewDisposeScope();
        return weights.mm(stack(_products.Where(pair => pair.First == pair.Second).Select(pair => pair.Product), 1)).clamp_min_(0).sqrt_().MoveToOuterDisposeScope();
    }

    /// <summary>Σ of the squared entries of each row of each combination, [k, n], for shares [k, members].</summary>
    public Tensor SquaredNorms(Tensor shares)
    {
        using var scope = NewDisposeScope();
        Tensor factors = stack(_products.Select(pair => shares.select(1, pair.First).mul(shares.select(1, pair.Second)).mul_(pair.First == pair.Second ? 1 : 2)), 1);
        return factors.mm(stack(_products.Select(pair => pair.Product))).clamp_min_(0).MoveToOuterDisposeScope();
    }
}
