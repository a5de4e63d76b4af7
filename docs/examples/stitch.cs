#:project ../../src/LatentStitching/LatentStitching.csproj
#:package libtorch-cpu-linux-x64
#:property ImplicitUsings=enable

#region readme
using LatentStitching;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Mapping;
using LatentStitching.Training;

// Images: faces drawn in code here; ImageFolder, CelebA and IdxImages read your own.
IImageSource faces = new ProceduralFaces(2000);
var split = DataSplit.Create(faces.Ids.Count, mapTrain: 1500, probeTrain: 0, test: 500, seed: 0);
IImageSource train = faces.Select(split.MapTrain), test = faces.Select(split.Test);

// Two models: Vae.Load("model.pt") opens published weights; a class of your own derives from LatentModel.
using PcaModel pca = PcaModel.Fit(train, dimension: 64);
using Vae vae = Vae.Create();
new VaeTrainer(new TrainingOptions { Epochs = 5 }).Train(vae, train);

// Encoder of one, linear map, decoder of the other. The ridge strength is chosen by leave-one-out.
using StitchResult stitch = Stitcher.Fit(vae, pca, train);
Console.WriteLine(stitch.Report);
Console.WriteLine(stitch.Evaluate(test));
((AffineMap)stitch.Map).Save("vae-to-pca.safetensors");
#endregion
