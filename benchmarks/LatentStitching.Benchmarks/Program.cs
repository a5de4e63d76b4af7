using BenchmarkDotNet.Running;
using LatentStitching.Benchmarks.Checkpoints;
using LatentStitching.Benchmarks.Editing;
using LatentStitching.Benchmarks.Fitting;
using LatentStitching.Benchmarks.SideBySide;

// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- --filter '*'       all benchmarks
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- compare [large]    beside scikit-learn
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- million            a million rows, with the peak of memory
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- fuzz [count]       damaged files for every checkpoint reader
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- concepts IMAGES ATTRIBUTES OUTPUT MODEL...    what VAEs share, edits carried between them, support sets
if (args is ["concepts", var images, var attributes, var output, .. var models]) return SharedConcepts.Run(images, attributes, output, models);
if (args is ["fuzz", ..]) return FuzzLane.Run(args[1..]);
if (args is ["compare", ..]) return SklearnComparison.Run(large: args.Contains("large"));
if (args is ["million"]) return MillionRows.Run();
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
