using System.CommandLine;
using System.Runtime.InteropServices;
using LatentStitching.Replication;
using LatentStitching.Replication.Zoo;

NativeTuning.Apply();

Option<string?> images = new("--images") { Description = "Real images: a folder, a CelebA zip, or an IDX file (gz too). Without it, faces are drawn in code." };
Option<string?> attributes = new("--attributes") { Description = "Attribute table of the images: list_attr_celeba.txt or CSV, or an IDX file of labels." };
Option<string[]> models = new("--models") { Description = "Pretrained VAEs in the layout of Burgess et al.: files, or folders that hold a model.pt. Without it, two are trained here.", AllowMultipleArgumentsPerToken = true };
Option<string> output = new("--output") { Description = "Folder for results.json, errors.md, errors.csv, and the pictures.", DefaultValueFactory = _ => Path.Combine("artifacts", "replication") };
Option<int?> count = new("--count") { Description = "Images in all: three fifths fit the maps, a fifth is kept for probes, a fifth tests." };
Option<int?> components = new("--components") { Description = "Components of the PCA model." };
Option<int?> epochs = new("--epochs") { Description = "Passes over the images when models are trained here." };
Option<ulong> seed = new("--seed") { Description = "Seed of everything random.", DefaultValueFactory = _ => 0UL };
Option<int> threads = new("--threads") { Description = "Threads of libtorch.", DefaultValueFactory = _ => Environment.ProcessorCount };
Option<bool> quick = new("--quick") { Description = "A run of under a minute that shows the path, not the quality." };

RootCommand root = new("Stitches every pair of a set of generative models through linear maps and measures what survives.")
{
    images, attributes, models, output, count, components, epochs, seed, threads, quick,
};
root.SetAction((result, cancellationToken) =>
{
    RunOptions options = new()
    {
        Images = result.GetValue(images),
        Attributes = result.GetValue(attributes),
        Models = result.GetValue(models) ?? [],
        Output = result.GetValue(output)!,
        Count = result.GetValue(count),
        Components = result.GetValue(components),
        Epochs = result.GetValue(epochs),
        Seed = result.GetValue(seed),
        Threads = result.GetValue(threads),
        Quick = result.GetValue(quick),
    };
    return Task.FromResult(Run.Execute(options, cancellationToken));
});

Argument<string[]> zoo = new("models") { Description = $"Models to train: {string.Join(", ", ZooRecipes.All.Select(recipe => recipe.Name))}. All if none is named.", Arity = ArgumentArity.ZeroOrMore };
Option<string> folder = new("--output") { Description = "Folder for a model folder each.", DefaultValueFactory = _ => Path.Combine("artifacts", "zoo") };
Option<int> faces = new("--count") { Description = "Faces to train on.", DefaultValueFactory = _ => 8000 };
Option<int> cores = new("--threads") { Description = "Threads of libtorch.", DefaultValueFactory = _ => Environment.ProcessorCount };
Command train = new("train", "Trains the small models of the zoo on faces of 32×32 pixels drawn in code.") { zoo, folder, faces, cores };
train.SetAction((result, cancellationToken) => Task.FromResult(
    ZooTraining.Execute(result.GetValue(zoo) ?? [], result.GetValue(folder)!, result.GetValue(faces), result.GetValue(cores), cancellationToken)));
root.Subcommands.Add(train);

// The first Ctrl+C stops between steps and leaves whole files; the second ends at once.
using CancellationTokenSource stop = new();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
{
    context.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
});
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }, stop.Token);
