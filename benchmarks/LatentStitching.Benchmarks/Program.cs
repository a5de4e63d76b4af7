using System.Globalization;
using BenchmarkDotNet.Running;
using LatentStitching.Benchmarks.Adapters;
using LatentStitching.Benchmarks.Checkpoints;
using LatentStitching.Benchmarks.Editing;
using LatentStitching.Benchmarks.Fitting;
using LatentStitching.Benchmarks.Latents;
using LatentStitching.Benchmarks.Metrics;
using LatentStitching.Benchmarks.Numerics;
using LatentStitching.Benchmarks.Probing;
using LatentStitching.Benchmarks.SideBySide;
using LatentStitching.Benchmarks.Studies;

// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- --filter '*'       all benchmarks
// ... -- compare [large] [Ridge]            beside scikit-learn, or one estimator of it
// ... -- study                              twenty maps between five spaces, beside scikit-learn
// ... -- wide [fast] [small]                one fit of 12288 columns to 12288, with the peak of memory
// ... -- structure [all] [small]            low rank and the choice of a structure at 3×64×64, with the peak of memory
// ... -- products                           matrix products beside libtorch's, and fits, on one and two threads
// ... -- million                            a million rows, with the peak of memory
// ... -- fuzz [count]                       damaged files for every checkpoint reader
// ... -- similarity                         CKA and neighbours beside the n × n forms
// ... -- frechet                            distances of feature sets beside the published ways
// ... -- images                             SSIM and LPIPS beside ports of the reference code
// ... -- diffusion WEIGHTS DIGITS PICTURE   round trips of real digits through ddpm_mnist_starter.pth
// ... -- inversion [NAME]                   batched inversion beside the published loop of one image at a time
// ... -- digits SHARED PNG                  the published MNIST generator inverted on real digits
// ... -- stitch-digits SHARED PNG           real digits through pairs of families: VAE, Glow, diffusion, GAN
// ... -- probes [small]                     ten probes beside scikit-learn
// ... -- encoding [COUNT [ROUNDS [ZIP [NAME]]]]   the encoding pipeline beside loops; ZIP holds aligned CelebA pictures
// ... -- adapters [NAME [SECONDS]]          every adapter beside its network as bare modules
// ... -- concepts IMAGES ATTRIBUTES OUTPUT MODEL...   what VAEs share, edits carried between them, support sets
// ... -- kills [COUNT]                      a study killed again and again beside an undisturbed one
// ... -- bank-kills [COUNT]                 an encoding killed again and again beside an undisturbed one
// ... -- published [COUNT] [SHARED]         a study beside the published way of one image at a time
if (args is ["compare", ..]) return SklearnComparison.Run(large: args.Contains("large"), args.Skip(1).FirstOrDefault(name => name != "large"));
if (args is ["study", ..]) return StudyComparison.Run(small: args.Contains("small"));
if (args is ["probes", ..]) return args.Contains("small") ? ProbeComparison.Run(2000, 2000, 0.005, 2) : ProbeComparison.Run(9000, 12288, 0.005, 1);
if (args is ["wide", ..]) return WideFit.Run(args.Contains("fast"), args.Contains("small"));
if (args is ["structure", ..]) return StructureLane.Run(args.Contains("all"), args.Contains("small"));
if (args is ["products"]) return ProductRates.Run();
if (args is ["million"]) return MillionRows.Run();
if (args is ["fuzz", ..]) return FuzzLane.Run(args[1..]);
if (args is ["similarity"]) return SimilarityComparison.Run();
if (args is ["frechet"]) return DistributionComparison.Run();
if (args is ["images"]) return ImageComparison.Run();
if (args is ["diffusion", var weights, var digits, var picture]) return DiffusionRoundTrip.Run(weights, digits, picture);
if (args is ["inversion", ..]) return DiffusionInversion.Run(args.ElementAtOrDefault(1) ?? "");
if (args is ["encoding", ..]) return EncodingComparison.Run(int.Parse(args.ElementAtOrDefault(1) ?? "1536", CultureInfo.InvariantCulture), int.Parse(args.ElementAtOrDefault(2) ?? "5", CultureInfo.InvariantCulture), args.ElementAtOrDefault(3) is { Length: > 0 } zip ? zip : null, args.ElementAtOrDefault(4) ?? "");
if (args is ["adapters", ..]) return AdapterTable.Run(args.ElementAtOrDefault(1) ?? "", double.Parse(args.ElementAtOrDefault(2) ?? "5", CultureInfo.InvariantCulture));
if (args is ["digits", var shared, var grid]) return DigitInversion.Run(shared, grid);
if (args is ["stitch-digits", var folder, var drawing]) return StitchedDigits.Run(folder, drawing);
if (args is ["concepts", var images, var attributes, var output, .. var models]) return SharedConcepts.Run(images, attributes, output, models);
if (args is ["kills", ..]) return KillLane.Run(args[1..]);
if (args is [KilledStudy.Command, var killed]) return KilledStudy.Run(killed);
if (args is ["bank-kills", ..]) return BankKillLane.Run(args[1..]);
if (args is [KilledEncoding.Command, var begun]) return KilledEncoding.Run(begun);
if (args is ["published", ..]) return PublishedComparison.Run(args.Length > 2 ? args[2] : null, args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 1000);
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
