using BenchmarkDotNet.Running;
using LatentStitching.Benchmarks.Checkpoints;
using LatentStitching.Benchmarks.Fitting;
using LatentStitching.Benchmarks.Probing;
using LatentStitching.Benchmarks.SideBySide;

// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- --filter '*'       all benchmarks
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- compare [large]    beside scikit-learn
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- probes [small]     ten probes beside scikit-learn
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- million            a million rows, with the peak of memory
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- fuzz [count]       damaged files for every checkpoint reader
if (args is ["fuzz", ..]) return FuzzLane.Run(args[1..]);
if (args is ["compare", ..]) return SklearnComparison.Run(large: args.Contains("large"));
if (args is ["probes", ..]) return args.Contains("small") ? ProbeComparison.Run(2000, 2000, 0.005, 2) : ProbeComparison.Run(9000, 12288, 0.005, 1);
if (args is ["million"]) return MillionRows.Run();
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
