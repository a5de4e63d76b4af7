// How users meet the library: from its package, outside the repository. torch comes first on purpose: it must load before any type of the library is touched.
using TorchSharp;

var source = torch.randn(500, 12, torch.ScalarType.Float64);
var truth = torch.randn(7, 12, torch.ScalarType.Float64);
var target = source.mm(truth.t()).add(3);

using var fit = LatentStitching.Stitcher.Fit(source, target);
double error = (fit.Affine.Weight - truth).abs().max().ToDouble();
Console.WriteLine(fit.Report);
Console.WriteLine(LatentStitching.Native.TorchNative.Diagnose());

var faces = new LatentStitching.Data.ProceduralFaces(300, size: 32);
using var pca = LatentStitching.Adapters.Autoencoders.PcaModel.Fit(faces, 20);
using var small = LatentStitching.Adapters.Autoencoders.PcaModel.Fit(faces, 10, "small");
using var stitch = LatentStitching.Stitcher.Fit(pca, small, faces);
var errors = stitch.Evaluate(faces);
Console.WriteLine(errors);

// An exactly linear pair is recovered; ten components are a linear function of twenty.
bool good = error < 1e-6 && Math.Abs(errors.Recovered - 1) < 1e-3;
Console.WriteLine(good ? "consumer: ok" : "consumer: WRONG");
return good ? 0 : 1;
