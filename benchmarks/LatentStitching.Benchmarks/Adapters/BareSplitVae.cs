using TorchSharp.Modules;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>A Split-VAE's network as modules, in evaluation mode, without checks, blocks or clamping.</summary>
internal sealed class BareSplitVae : nn.Module
{
    private const int Scales = 4;
    private readonly Sequential _encoder;
    private readonly Sequential _decoder;

    public BareSplitVae(LatentStitching.Models.ImageFormat image, long dimension, long channels, long embedding)
        : base("split-vae")
    {
        List<nn.Module<Tensor, Tensor>> down = [];
        for (int i = 0; i < Scales; i++)
        {
            long width = channels << i;
            down.AddRange([nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(i == 0 ? image.Channels : width / 2, width, 3, stride: 2)]);
            if (i < Scales - 1) down.Add(new Block(width, width, dense: false));
        }
        down.AddRange([nn.AdaptiveAvgPool2d(1), nn.Flatten(), new Block(channels << (Scales - 1), embedding, dense: true), nn.Linear(embedding, dimension)]);
        int ups = System.Numerics.BitOperations.Log2((ulong)image.Height) - 2;
        List<nn.Module<Tensor, Tensor>> up = [nn.Linear(dimension, embedding), nn.Linear(embedding, 16 * (channels << ups)), nn.Unflatten(1, [channels << ups, 4, 4])];
        for (int i = 0; i < ups; i++)
        {
            long inputs = channels << (ups - i), outputs = inputs / 2;
            up.AddRange([nn.ConvTranspose2d(inputs, outputs, 3, stride: 2), new Crop(), new Block(outputs, outputs, dense: false)]);
        }
        up.AddRange([nn.Conv2d(channels, 1 + (2 * image.Channels), 3, padding: 1), nn.Sigmoid()]);
        (_encoder, _decoder) = (nn.Sequential(down), nn.Sequential(up));
        RegisterComponents();
    }

    public Tensor Encode(Tensor images) => _encoder.call(images);

    public Tensor Decode(Tensor latents)
    {
        using var scope = NewDisposeScope();
        Tensor all = _decoder.call(latents), mask = all.narrow(1, 0, 1);
        return ((all.narrow(1, 1, 3) * mask) + (all.narrow(1, 4, 3) * (1 - mask))).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _encoder.Dispose();
            _decoder.Dispose();
        }
        base.Dispose(disposing);
    }

    private sealed class Crop() : nn.Module<Tensor, Tensor>("crop")
    {
        public override Tensor forward(Tensor input) => input.narrow(2, 0, input.size(2) - 1).narrow(3, 0, input.size(3) - 1);
    }

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly Sequential _long;
        private readonly nn.Module<Tensor, Tensor> _skip;

        public Block(long inputs, long outputs, bool dense)
            : base("block")
        {
            _long = nn.Sequential(Norm(inputs, dense), nn.SiLU(), Layer(inputs, outputs, dense), Norm(outputs, dense), nn.SiLU(), Layer(outputs, outputs, dense));
            _skip = Layer(inputs, outputs, dense);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using Tensor far = _long.call(input), near = _skip.call(input);
            return far + near;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _long.Dispose();
                _skip.Dispose();
            }
            base.Dispose(disposing);
        }

        private static nn.Module<Tensor, Tensor> Norm(long width, bool dense) => dense ? nn.BatchNorm1d(width) : nn.BatchNorm2d(width);

        private static nn.Module<Tensor, Tensor> Layer(long inputs, long outputs, bool dense) => dense ? nn.Linear(inputs, outputs) : nn.Conv2d(inputs, outputs, 3, padding: 1);
    }
}
