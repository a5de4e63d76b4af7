using BenchmarkDotNet.Running;

// dotnet run -c Release --project benchmarks/LatentStitching.Benchmarks -- --filter '*'
// A check in seconds that all of them run: --filter '*' --job Dry
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
