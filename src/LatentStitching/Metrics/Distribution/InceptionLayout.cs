namespace LatentStitching.Metrics.Distribution;

/// <summary>The convolutions of Inception-v3 in the order of its state dictionary, with the shapes of their weights.</summary>
internal static class InceptionLayout
{
    public static IReadOnlyList<(string Layer, long[] Shape)> Convolutions { get; } =
    [
        ("Conv2d_1a_3x3", [32, 3, 3, 3]), ("Conv2d_2a_3x3", [32, 32, 3, 3]), ("Conv2d_2b_3x3", [64, 32, 3, 3]), ("Conv2d_3b_1x1", [80, 64, 1, 1]), ("Conv2d_4a_3x3", [192, 80, 3, 3]),
        .. A("Mixed_5b", 192, 32), .. A("Mixed_5c", 256, 64), .. A("Mixed_5d", 288, 64),
        ("Mixed_6a.branch3x3", [384, 288, 3, 3]),
        ("Mixed_6a.branch3x3dbl_1", [64, 288, 1, 1]), ("Mixed_6a.branch3x3dbl_2", [96, 64, 3, 3]), ("Mixed_6a.branch3x3dbl_3", [96, 96, 3, 3]),
        .. C("Mixed_6b", 128), .. C("Mixed_6c", 160), .. C("Mixed_6d", 160), .. C("Mixed_6e", 192),
        ("Mixed_7a.branch3x3_1", [192, 768, 1, 1]), ("Mixed_7a.branch3x3_2", [320, 192, 3, 3]),
        ("Mixed_7a.branch7x7x3_1", [192, 768, 1, 1]), ("Mixed_7a.branch7x7x3_2", [192, 192, 1, 7]), ("Mixed_7a.branch7x7x3_3", [192, 192, 7, 1]), ("Mixed_7a.branch7x7x3_4", [192, 192, 3, 3]),
        .. E("Mixed_7b", 1280), .. E("Mixed_7c", 2048),
    ];

    private static (string Layer, long[] Shape)[] A(string block, long inputs, long pooled) =>
    [
        (block + ".branch1x1", [64, inputs, 1, 1]),
        (block + ".branch5x5_1", [48, inputs, 1, 1]), (block + ".branch5x5_2", [64, 48, 5, 5]),
        (block + ".branch3x3dbl_1", [64, inputs, 1, 1]), (block + ".branch3x3dbl_2", [96, 64, 3, 3]), (block + ".branch3x3dbl_3", [96, 96, 3, 3]),
        (block + ".branch_pool", [pooled, inputs, 1, 1]),
    ];

    private static (string Layer, long[] Shape)[] C(string block, long width) =>
    [
        (block + ".branch1x1", [192, 768, 1, 1]),
        (block + ".branch7x7_1", [width, 768, 1, 1]), (block + ".branch7x7_2", [width, width, 1, 7]), (block + ".branch7x7_3", [192, width, 7, 1]),
        (block + ".branch7x7dbl_1", [width, 768, 1, 1]), (block + ".branch7x7dbl_2", [width, width, 7, 1]), (block + ".branch7x7dbl_3", [width, width, 1, 7]),
        (block + ".branch7x7dbl_4", [width, width, 7, 1]), (block + ".branch7x7dbl_5", [192, width, 1, 7]),
        (block + ".branch_pool", [192, 768, 1, 1]),
    ];

    private static (string Layer, long[] Shape)[] E(string block, long inputs) =>
    [
        (block + ".branch1x1", [320, inputs, 1, 1]),
        (block + ".branch3x3_1", [384, inputs, 1, 1]), (block + ".branch3x3_2a", [384, 384, 1, 3]), (block + ".branch3x3_2b", [384, 384, 3, 1]),
        (block + ".branch3x3dbl_1", [448, inputs, 1, 1]), (block + ".branch3x3dbl_2", [384, 448, 3, 3]), (block + ".branch3x3dbl_3a", [384, 384, 1, 3]), (block + ".branch3x3dbl_3b", [384, 384, 3, 1]),
        (block + ".branch_pool", [192, inputs, 1, 1]),
    ];
}
