using BenchmarkDotNet.Running;
using LatentStitching.Benchmarks.Fitting;
using LatentStitching.Benchmarks.Metrics;
using LatentStitching.Benchmarks.SideBySide;

// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- --filter '*'       all benchmarks
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- compare [large]    beside scikit-learn
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- million            a million rows, with the peak of memory
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- frechet            the Fréchet distance beside eigenvalues of the product
// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- images             SSIM and LPIPS beside ports of the Python code
if (args is ["compare", ..]) return SklearnComparison.Run(large: args.Contains("large"));
if (args is ["million"]) return MillionRows.Run();
if (args is ["frechet"]) return DistributionComparison.Run();
if (args is ["images"]) return ImageComparison.Run();
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
