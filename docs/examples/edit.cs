#:project ../../src/LatentStitching/LatentStitching.csproj
#:package libtorch-cpu-linux-x64
#:property ImplicitUsings=enable

using LatentStitching;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Editing;
using LatentStitching.Fitting;
using LatentStitching.Probing;
using TorchSharp;

// Two models of faces drawn in code, and a map between their latents.
ProceduralFaces faces = new(1500);
var split = DataSplit.Create(faces.Ids.Count, mapTrain: 700, probeTrain: 600, test: 200, seed: 0);
using var scope = torch.NewDisposeScope();
using PcaModel source = PcaModel.Fit(faces.Select(split.MapTrain), 48, "source"), target = PcaModel.Fit(new ProceduralFaces(700, seed: 7), 64, "target");
var mapTrain = faces.Load(split.MapTrain);
using LatentMapFit map = Stitcher.Fit(source.Encode(mapTrain), target.Encode(mapTrain));

// Directions found in the source alone, carried to the target.
var probeTrain = faces.Load(split.ProbeTrain);
ProbeLabels labels = ProbeLabels.Of(faces.Attributes, "Male", "Smiling", "Pale_Skin").Select(split.ProbeTrain);
using LatentDirections found = Directions.FromClassMeans(source.Encode(probeTrain), labels), carried = found.Through(map.Affine);

// The target's own probes give the unit and tell what else changes. A class mean's direction meets its probe's normal at an angle here, so it takes three margins.
using ProbeFit probes = new RidgeProbeTrainer().Train(target.Encode(probeTrain), labels);
using LatentEdit edit = new(target, probes.Probes, carried, "Pale_Skin");
var latents = target.Encode(faces.Load(split.Test));
Console.WriteLine(edit.Measure(latents, strength: 3));
edit.SaveStrip("pale-skin.png", latents.narrow(0, 0, 6), [-6, -3, 0, 3, 6]);
