using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Editing;
using LatentStitching.Mapping;
using LatentStitching.Probing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Editing;

[NoTensorLeaks]
public sealed class DirectionsTests
{
    private static Tensor Draw(ulong seed, params long[] shape)
    {
        using Generator generator = new(seed);
        return randn(shape, ScalarType.Float64, generator: generator);
    }

    // Which file is conditioned on which is found here, not believed: no other pair of the plain files gives it.
    [SharedTheory("models/interfacegan_boundaries")]
    [InlineData("age", "eyeglasses")]
    [InlineData("age", "gender")]
    [InlineData("eyeglasses", "age")]
    [InlineData("eyeglasses", "gender")]
    public void Conditioned_GivesThePublishedConditionalBoundaries(string primal, string condition)
    {
        using var scope = NewDisposeScope();
        string[] plain = ["age", "eyeglasses", "gender", "pose", "smile"];
        using LatentDirections boundaries = new(plain, cat([.. plain.Select(Boundary)], 0));
        Tensor published = Boundary($"{primal}_c_{condition}");
        foreach (string of in plain)
        {
            foreach (string on in plain.Where(other => other != of))
            {
                using LatentDirections one = boundaries.Select(of), other = boundaries.Select(on), left = one.Conditioned(other);
                double difference = left.Vectors.sub(published).abs().max().ToDouble();
                if (of == primal && on == condition) difference.Should().BeLessThan(1e-15);
                else difference.Should().BeGreaterThan(1e-3);
            }
        }

        static Tensor Boundary(string name) => NumPy.Load(Shared.Path($"models/interfacegan_boundaries/stylegan_ffhq_{name}_boundary.npy"));
    }

    [Fact]
    public void Conditioned_LeavesNothingAlongTheOthers_AndKeepsTheLengthThatIsLeft()
    {
        using var scope = NewDisposeScope();
        using LatentDirections all = new(["a", "b"], Draw(1, 2, 6)), others = new(["c", "d", "again"], cat([Draw(2, 2, 6), Draw(2, 2, 6).narrow(0, 0, 1).mul(3)], 0));
        using LatentDirections left = all.Conditioned(others);
        left.Cosines(others).abs().max().ToDouble().Should().BeLessThan(1e-15);
        left.Vectors.norm(1).sub(1).abs().max().ToDouble().Should().BeLessThan(1e-15);
        // Projection is orthogonal: length² = what is left² + what was taken².
        Tensor basis = linalg.qr(others.Vectors.narrow(0, 0, 2).t()).Q;
        Tensor vectors = Draw(1, 2, 6);
        vectors.sub(vectors.mm(basis).mm(basis.t())).norm(1).ShouldBeCloseTo(tensor([.. left.Lengths]), 1e-14);
        using LatentDirections itself = all.Select("a");
        Action nothing = () => itself.Conditioned(all);
        nothing.ShouldRefuse("vectors", "vectors must not vanish, but nothing is left of 'a'. It lies in what was taken off, or was zero.");
    }

    [Fact]
    public void FromClassMeans_IsTheDifferenceOfMeans_OnEachAttributesRows()
    {
        using var scope = NewDisposeScope();
        Tensor latents = Draw(3, 40, 5);
        ProbeLabels labels = ProbeLabels.Of(new ProceduralFaces(40, 16).Attributes, "Male", "Smiling").Balanced(1);
        using LatentDirections directions = Directions.FromClassMeans(latents, labels);
        for (int attribute = 0; attribute < 2; attribute++)
        {
            Tensor yes = Mean(true), no = Mean(false), difference = yes - no;
            directions.Vectors[attribute].mul(directions.Lengths[attribute]).ShouldBeCloseTo(difference, 1e-13);

            Tensor Mean(bool value) => latents.index_select(0, tensor(Enumerable.Range(0, 40).Where(row => labels.Uses(row, attribute) && labels[row, attribute] == value).Select(row => (long)row).ToArray())).mean([0]);
        }
    }

    [Fact]
    public void FromPrincipalComponents_IsTheEigendecompositionOfTheCovariance()
    {
        using var scope = NewDisposeScope();
        Tensor latents = Draw(4, 200, 6) * tensor((double[])[5, 3, 2, 1, 0.5, 0.1]) + 7;
        using LatentDirections directions = Directions.FromPrincipalComponents(latents, 3, seed: 1);
        Tensor centred = latents - latents.mean([0], keepdim: true);
        (Tensor values, Tensor vectors) = linalg.eigh(centred.t().mm(centred) / 199);
        for (int i = 0; i < 3; i++)
        {
            directions.Lengths[i].Should().BeApproximately(Math.Sqrt(values[5 - i].ToDouble()), 1e-10);
            Math.Abs(directions.Vectors[i].dot(vectors.select(1, 5 - i)).ToDouble()).Should().BeApproximately(1, 1e-10);
        }
        directions.Names.Should().Equal("component 1", "component 2", "component 3");
    }

    [Fact]
    public void FromRegression_FindsTheSlopesThatMadeTheLatents_WhateverTheUnits()
    {
        using var scope = NewDisposeScope();
        Tensor quantities = Draw(5, 80, 2).mul(tensor((double[])[1e4, 1e-4])).add(tensor((double[])[1e5, 3.0])), slopes = Draw(6, 2, 4).div(tensor((double[])[1e4, 1e-4]).unsqueeze(1));
        // Correlated, so that one alone would take part of the other with it.
        quantities = cat([quantities.narrow(1, 0, 1), quantities.narrow(1, 1, 1).add(quantities.narrow(1, 0, 1).mul(0.5e-8))], 1);
        Tensor latents = quantities.mm(slopes) + 2;
        using LatentDirections directions = Directions.FromRegression(latents, quantities, ["yaw", "light"]);
        for (int i = 0; i < 2; i++) directions.Vectors[i].mul(directions.Lengths[i]).ShouldBeCloseTo(slopes[i], 1e-9);
    }

    [Fact]
    public void Through_CarriesDirectionsAlong_AndPullBackNormalsAgainst()
    {
        using var scope = NewDisposeScope();
        using AffineMap map = new(Draw(7, 3, 5), Draw(8, 3));
        using LinearProbes probes = new(["a", "b"], Draw(9, 2, 3), Draw(10, 2));
        Tensor latents = Draw(11, 20, 5);
        long before = NoTensorLeaksAttribute.Live();
        using LinearProbes pulled = probes.PullBack(map);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        pulled.Scores(latents).ShouldBeCloseTo(probes.Scores(map.Apply(latents)), 1e-13);
        using LatentDirections directions = new(["v"], Draw(12, 1, 5)), carried = directions.Through(map);
        // Moving along v in the source moves along A·v in the target, the offset aside.
        map.Apply(latents.add(Draw(12, 1, 5))).sub(map.Apply(latents))[0].ShouldBeCloseTo(carried.Vectors[0].mul(carried.Lengths[0]), 1e-12);
        // Only through a rotation do normals and directions travel alike.
        using AffineMap rotation = new(linalg.qr(Draw(13, 5, 5)).Q);
        using LinearProbes plane = new(["v"], Draw(12, 1, 5), zeros(1, ScalarType.Float64));
        using LatentDirections normal = Directions.FromProbes(plane), rotated = normal.Through(rotation);
        using LinearProbes rotatedPlane = new(["v"], rotated.Vectors, zeros(1, ScalarType.Float64)), back = rotatedPlane.PullBack(rotation);
        back.Weight.ShouldBeCloseTo(normal.Vectors, 1e-13);
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        using LatentDirections two = new(["a", "b"], eye(2)), wide = new(["c"], ones(1, 3));
        Action count = () => _ = new LatentDirections(["a"], eye(2)), twice = () => _ = new LatentDirections(["a", "a"], eye(2)), zero = () => _ = new LatentDirections(["a", "b"], diag(tensor((double[])[1, 0])));
        count.ShouldRefuse("vectors", "vectors must have 1 rows, one a name, but their shape is [2, 2].");
        twice.ShouldRefuse("names", "names must differ, but 'a' comes twice.");
        zero.ShouldRefuse("vectors", "vectors must not vanish, but nothing is left of 'b'. It lies in what was taken off, or was zero.");
        Action unknown = () => two.Select("z"), none = () => two.Select(), conditioned = () => two.Conditioned(wide), cosines = () => two.Cosines(wide);
        unknown.ShouldRefuse("name", "name must be one of the directions a, b, but it is 'z'.");
        none.ShouldRefuse("names", "names must hold at least one entry, but it is empty. Name a direction.");
        conditioned.ShouldRefuse("others", "others must have 2 columns, but they have 3.");
        cosines.ShouldRefuse("others", "others must have 2 columns, but they have 3.");
        Action components = () => Directions.FromPrincipalComponents(ones(3, 5), 3), flat = () => Directions.FromPrincipalComponents(Draw(1, 6, 1).mm(ones(1, 4, ScalarType.Float64)), 2);
        components.ShouldRefuse("count", "count must lie from 1 to 2 for latents [3, 5], but it is 3.");
        flat.ShouldRefuse("latents", "latents must vary in 2 directions, but they vary in 1. Ask for fewer.");
        Tensor quantities = cat([Draw(2, 6, 1), Draw(2, 6, 1).mul(2)], 1);
        Action dependent = () => Directions.FromRegression(Draw(1, 6, 3), quantities, ["a", "b"]), constant = () => Directions.FromRegression(Draw(1, 6, 3), full([6, 1], 0.1), ["a"]),
            names = () => Directions.FromRegression(Draw(1, 6, 3), quantities, ["a"]), rows = () => Directions.FromRegression(Draw(1, 5, 3), quantities, ["a", "b"]);
        dependent.ShouldRefuse("quantities", "quantities must vary independently, but of 2 only 1 do over 6 rows. Leave out those that are constant or follow from others, or pass more rows.");
        constant.ShouldRefuse("quantities", "quantities must vary independently, but of 1 only 0 do over 6 rows. Leave out those that are constant or follow from others, or pass more rows.");
        names.ShouldRefuse("names", "names must hold a name a quantity, 2, but they hold 1.");
        rows.ShouldRefuse("quantities", "quantities must hold as many rows as latents, but the shapes are [5, 3] and [6, 2]. Row i of both must come from the same input.");
        using AffineMap map = new(eye(3));
        using LinearProbes probes = new(["a"], ones(1, 2), zeros(1));
        Action width = () => probes.PullBack(map);
        width.ShouldRefuse("probes", "probes must have 3 columns, the width of the map's target, but they have 2.");
        two.Dispose();
        Action disposed = () => _ = two.Vectors;
        disposed.Should().Throw<ObjectDisposedException>();
    }
}
