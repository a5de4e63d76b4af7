using System.CommandLine;
using System.Runtime.InteropServices;
using LatentStitching.Replication;
using LatentStitching.Replication.Zoo;

NativeTuning.Apply();

Option<string?> images = new("--images") { Description = "Real images: a folder, a CelebA zip, or an IDX file (gz too). Without it, faces are drawn in code." };
Option<string?> attributes = new("--attributes") { Description = "Attribute table of the images: list_attr_celeba.txt or CSV, or an IDX file of labels." };
Option<string[]> models = new("--models") { Description = "Your models: folders that LatentModel.Save wrote (see import), or published VAEs in the layout of Burgess et al. The first decides the size of the images. Without it, the zoo.", AllowMultipleArgumentsPerToken = true };
Option<string> output = new("--output") { Description = "Folder for report.html, report.md, report.json, figures, tables, and the studies, which go on where they were.", DefaultValueFactory = _ => Path.Combine("artifacts", "replication") };
Option<int?> count = new("--count") { Description = "Images in all: three fifths fit the maps, a fifth the probes, a fifth judges. Default 1,500 faces (300 with --quick), or all images given (500 with --quick)." };
Option<int?> components = new("--components") { Description = "Components of a PCA that takes part as a model; 0 for none. Default 64 with --models, else 0." };
Option<ulong> seed = new("--seed") { Description = "Seed of everything random.", DefaultValueFactory = _ => 0UL };
Option<int> threads = new("--threads") { Description = "Threads of libtorch.", DefaultValueFactory = _ => Environment.ProcessorCount };
Option<bool> quick = new("--quick") { Description = "Few images and steps: shows the path in under three minutes, not the quality." };
Option<bool> anew = new("--train") { Description = "Trains the zoo anew, to OUTPUT/zoo, before the study: some three hours on two cores. It goes on where it was." };

RootCommand root = new("""
    Stitches every pair of a set of generative models through linear maps, measures what survives, and writes one report.

    Without options: the zoo (VAE twice, Split-VAE, VQ-VAE, GAN, StyleGAN2, Glow, DDPM, small, trained on faces of 32×32 pixels drawn in code) on 1,500 faces, with controls, probes, training dynamics, levels, support sets and edits.
    With --images and --models: the same for your own.

    Exit codes: 0 all done; 1 some parts failed, the report tells which; 2 an argument or a file cannot be used; 130 stopped by Ctrl+C, and the same command goes on.
    """)
{
    images, attributes, models, output, count, components, seed, threads, quick, anew,
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
        Seed = result.GetValue(seed),
        Threads = result.GetValue(threads),
        Quick = result.GetValue(quick),
        Train = result.GetValue(anew),
    };
    return Task.FromResult(Run.Execute(options, cancellationToken));
});

Argument<string[]> zoo = new("models") { Description = $"Models to train: {string.Join(", ", ZooRecipes.All.Select(recipe => recipe.Name))}. All if none is named.", Arity = ArgumentArity.ZeroOrMore };
Option<string> folder = new("--output") { Description = "Folder for a model folder each.", DefaultValueFactory = _ => Path.Combine("artifacts", "zoo") };
Option<int> faces = new("--count") { Description = "Faces to train on.", DefaultValueFactory = _ => ZooTraining.DefaultCount };
Option<int> cores = new("--threads") { Description = "Threads of libtorch.", DefaultValueFactory = _ => Environment.ProcessorCount };
Command train = new("train", "Trains the small models of the zoo on faces of 32×32 pixels drawn in code.") { zoo, folder, faces, cores };
train.SetAction((result, cancellationToken) => Task.FromResult(
    ZooTraining.Execute(result.GetValue(zoo) ?? [], result.GetValue(folder)!, result.GetValue(faces), result.GetValue(cores), cancellationToken)));
root.Subcommands.Add(train);
root.Subcommands.Add(ImportCommand.Create());

// The first Ctrl+C stops between steps and leaves whole files; the second ends at once.
using CancellationTokenSource stop = new();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
{
    context.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
});
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }, stop.Token);
