using BenchmarkDotNet.Running;
using LatentStitching.Benchmarks.SideBySide;

// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- --filter '*'       all benchmarks
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- compare [large]    beside scikit-learn
if (args is ["compare", ..]) return SklearnComparison.Run(large: args.Contains("large"));
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
