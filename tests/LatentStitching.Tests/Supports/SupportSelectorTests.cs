using LatentStitching.Data;
using LatentStitching.Supports;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Supports;

[NoTensorLeaks]
public sealed class SupportSelectorTests
{
    private static readonly ProceduralFaces _faces = new(120, 16);

    private static Tensor Latents(int rows = 120, int columns = 6)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(8);
        return randn([rows, columns], ScalarType.Float32, generator: generator).mul(tensor(Enumerable.Range(1, columns).Select(i => 1f / i).ToArray())).add(3).MoveToOuterDisposeScope();
    }

    public static TheoryData<string> Names => [.. All(0).Keys];

    private static Dictionary<string, ISupportSelector> All(ulong seed) => new()
    {
        ["uniform"] = new UniformSupport { Seed = seed },
        ["stratified"] = StratifiedSupport.By(_faces.Attributes, ["Male", "Young"], seed),
        ["k-centre"] = new KCentreSupport { Seed = seed },
        ["leverage"] = new LeverageSupport { Seed = seed, Components = 4 },
        ["d-optimal"] = new DOptimalSupport(),
        ["herding"] = new HerdingSupport(),
        ["filtered"] = FilteredSupport.Of(new DOptimalSupport(), _faces.Attributes, without: ["Eyeglasses"]),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Select_GivesDifferentRows_Nested_AndTheSameForOneSeed(string name)
    {
        using Tensor latents = Latents();
        IReadOnlyList<long> few = All(1)[name].Select(latents, 20), many = All(1)[name].Select(latents, 70);
        few.Should().Equal(many.Take(20));
        many.Should().OnlyHaveUniqueItems().And.OnlyContain(row => row >= 0 && row < 120);
        if (name is "uniform" or "stratified" or "k-centre" or "leverage") All(2)[name].Select(latents, 20).Should().NotEqual(few);
        All(1)[name].Signature.Should().StartWith("support|by:");
        Action tooMany = () => All(1)[name].Select(latents, 121), none = () => All(1)[name].Select(latents, 0);
        int candidates = name == "filtered" ? ((FilteredSupport)All(1)[name]).Count : 120;
        tooMany.ShouldRefuse("count", $"count must lie from 1 to the {candidates} candidates, but it is 121.");
        none.ShouldRefuse("count", $"count must lie from 1 to the {candidates} candidates, but it is 0.");
        using Tensor infinite = full([120, 2], double.NaN);
        Action nan = () => All(1)[name].Select(infinite, 3);
        nan.ShouldRefuse("latents", "latents must be finite, but 240 of its entries are NaN or infinite, the first in row 0.");
    }

    [Theory]
    [InlineData("k-centre")]
    [InlineData("d-optimal")]
    [InlineData("herding")]
    public void Select_CanBeCancelled(string name)
    {
        using Tensor latents = Latents();
        Action cancelled = () => All(0)[name].Select(latents, 5, new CancellationToken(canceled: true));
        cancelled.Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public void Stratified_HoldsEveryGroupInProportion_InAnyChoice()
    {
        using Tensor latents = Latents();
        var selector = StratifiedSupport.By(_faces.Attributes, ["Male"], seed: 3);
        IReadOnlyList<bool> male = _faces.Attributes.Column("Male");
        double share = male.Count(value => value) / 120.0;
        for (int count = 1; count <= 120; count += 7)
        {
            Math.Abs(selector.Select(latents, count).Count(row => male[(int)row]) - (count * share)).Should().BeLessThan(2);
        }
        selector.Signature.Should().Be("support|by:stratified|groups:Male|seed:3");
    }

    [Fact]
    public void KCentre_TakesTheFarthest_AndCoversWithinTwiceTheBest()
    {
        using var scope = NewDisposeScope();
        // Three tight clusters: three choices are one of each.
        Tensor latents = cat([zeros(10, 2).add(linspace(0, 0.1, 10).unsqueeze(1)), zeros(10, 2).add(5).add(linspace(0, 0.1, 10).unsqueeze(1)), zeros(10, 2).sub(9).add(linspace(0, 0.1, 10).unsqueeze(1))], 0);
        new KCentreSupport { Seed = 5 }.Select(latents, 3).Select(row => row / 10).Should().OnlyHaveUniqueItems();
        Tensor many = Latents();
        double[] rows = many.to_type(ScalarType.Float64).data<double>().ToArray();
        IReadOnlyList<long> chosen = new KCentreSupport().Select(many, 12);
        for (int i = 1; i < 12; i++) Far(chosen[i], i).Should().BeApproximately(Enumerable.Range(0, 120).Max(row => Far(row, i)), 1e-12);

        double Far(long row, int before) => chosen.Take(before).Min(other => Math.Sqrt(Enumerable.Range(0, 6).Sum(k => Math.Pow(rows[(row * 6) + k] - rows[(other * 6) + k], 2))));
    }

    [Fact]
    public void Leverage_IsTheHatMatrixsDiagonal()
    {
        using var scope = NewDisposeScope();
        Tensor latents = Latents().to_type(ScalarType.Float64), x = latents - latents.mean([0], keepdim: true);
        Tensor hat = x.mm(linalg.inv(x.t().mm(x))).mm(x.t()).diagonal();
        tensor(new LeverageSupport { Components = 6 }.Leverages(latents)).ShouldBeCloseTo(hat, 1e-10);
        // An image alone in its direction is drawn early whatever the seed.
        Tensor outlier = cat([latents.mul(0.01), tensor(new double[,] { { 100, -100, 100, 0, 0, 0 } })], 0);
        Enumerable.Range(0, 10).Count(seed => new LeverageSupport { Seed = (ulong)seed }.Select(outlier, 30).Contains(120)).Should().BeGreaterThan(8);
    }

    [Fact]
    public void DOptimal_TakesTheGreatestDeterminantAtEachStep()
    {
        using var scope = NewDisposeScope();
        Tensor latents = Latents(30, 4).to_type(ScalarType.Float64), x = latents - latents.mean([0], keepdim: true);
        double ridge = x.square().sum().ToDouble() / 30 * 0.05;
        List<long> chosen = [];
        for (int i = 0; i < 8; i++)
        {
            chosen.Add(Enumerable.Range(0, 30).Select(row => (long)row).Except(chosen).MaxBy(row =>
            {
                using var step = NewDisposeScope();
                Tensor z = x.index_select(0, tensor([.. chosen, row]));
                return linalg.slogdet(z.t().mm(z).div(ridge).add(torch.eye(4, 4, ScalarType.Float64))).Item2.ToDouble();
            }));
        }
        new DOptimalSupport { Ridge = 0.05 }.Select(latents, 8).Should().Equal(chosen);
    }

    [Fact]
    public void DOptimal_OfRowsThatAreAllTheSame_TakesTheFirst()
    {
        using Tensor same = full([5, 3], 0.1);
        new DOptimalSupport().Select(same, 2).Should().Equal(0, 1);
    }

    [Fact]
    public void Herding_ComesNearerToTheMeanThanChance()
    {
        using var scope = NewDisposeScope();
        Tensor latents = Latents(400).to_type(ScalarType.Float64), mean = latents.mean([0]);
        foreach (int count in (int[])[5, 20, 60])
        {
            double herded = Distance(new HerdingSupport().Select(latents, count));
            double chance = Enumerable.Range(0, 20).Average(seed => Distance(new UniformSupport { Seed = (ulong)seed }.Select(latents, count)));
            herded.Should().BeLessThan(0.4 * chance, $"{count} rows");
        }

        double Distance(IReadOnlyList<long> rows) => latents.index_select(0, tensor([.. rows])).mean([0]).sub(mean).norm().ToDouble();
    }

    [Fact]
    public void Filtered_LeavesOutTheUnwanted_AndGivesRowsOfTheWholeTable()
    {
        using Tensor latents = Latents();
        var selector = FilteredSupport.Of(new UniformSupport { Seed = 4 }, _faces.Attributes, with: ["Young"], without: ["Eyeglasses", "Bald"]);
        IReadOnlyList<long> rows = selector.Select(latents, selector.Count);
        rows.Should().BeEquivalentTo(Enumerable.Range(0, 120).Where(row => _faces.Attributes[row, "Young"] && !_faces.Attributes[row, "Eyeglasses"] && !_faces.Attributes[row, "Bald"]).Select(row => (long)row));
        selector.Signature.Should().Be("support|by:uniform|seed:4|filter:+Young,-Eyeglasses,-Bald");
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using Tensor few = ones(3, 2);
        AttributeTable table = new(["hat"], [[true], [true]]);
        Action all = () => FilteredSupport.Of(new UniformSupport(), table, without: ["hat"]), name = () => FilteredSupport.Of(new UniformSupport(), table, with: ["cap"]);
        all.ShouldRefuse("table", "table must hold images that pass -hat, but of 2 none does.");
        name.ShouldRefuse("name", "name must be one of the attributes hat, but it is 'cap'.");
        Action filtered = () => FilteredSupport.Of(new UniformSupport(), table).Select(few, 1), stratified = () => StratifiedSupport.By(table, ["hat"]).Select(few, 1);
        filtered.ShouldRefuse("latents", "latents must have a row a row of the table, 2, but their shape is [3, 2].");
        stratified.ShouldRefuse("latents", "latents must have a row a row of the table, 2, but their shape is [3, 2].");
        Action none = () => StratifiedSupport.By(table, []), empty = () => StratifiedSupport.By(new AttributeTable(["hat"], []), ["hat"]);
        none.ShouldRefuse("names", "names must hold at least one entry, but it is empty. Name the attributes that make the groups.");
        empty.ShouldRefuse("table", "table must hold at least one row, but it is empty.");
        Action ridge = () => _ = new DOptimalSupport { Ridge = 0 }, components = () => _ = new LeverageSupport { Components = 0 };
        ridge.ShouldRefuse("Ridge", "Ridge must be positive and finite, but it is 0.");
        components.ShouldRefuse("Components", "Components must be positive, but it is 0.");
    }
}
