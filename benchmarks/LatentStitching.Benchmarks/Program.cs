using BenchmarkDotNet.Running;
using LatentStitching.Benchmarks.Adapters;
using LatentStitching.Benchmarks.Fitting;
using LatentStitching.Benchmarks.SideBySide;

// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- --filter '*'       all benchmarks
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- compare [large]    beside scikit-learn
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- million            a million rows, with the peak of memory
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- digits SHARED PNG  the published MNIST generator inverted on real digits
if (args is ["digits", var shared, var picture]) return DigitInversion.Run(shared, picture);
if (args is ["compare", ..]) return SklearnComparison.Run(large: args.Contains("large"));
if (args is ["million"]) return MillionRows.Run();
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
