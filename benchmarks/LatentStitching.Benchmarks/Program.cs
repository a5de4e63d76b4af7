using BenchmarkDotNet.Running;
using LatentStitching.Benchmarks.Checkpoints;
using LatentStitching.Benchmarks.Fitting;
using LatentStitching.Benchmarks.Metrics;
using LatentStitching.Benchmarks.SideBySide;

// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- --filter '*'       all benchmarks
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- compare [large]    beside scikit-learn
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- study              twenty maps between five spaces, beside scikit-learn
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- million            a million rows, with the peak of memory
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- fuzz [count]       damaged files for every checkpoint reader
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- similarity         CKA and neighbours beside the n × n forms
if (args is ["compare", ..]) return SklearnComparison.Run(large: args.Contains("large"));
if (args is ["study", ..]) return StudyComparison.Run(small: args.Contains("small"));
if (args is ["million"]) return MillionRows.Run();
if (args is ["fuzz", ..]) return FuzzLane.Run(args[1..]);
if (args is ["similarity"]) return SimilarityComparison.Run();
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
