using System.Reflection;
using Xunit.Sdk;

namespace LatentStitching.Tests.Support;

/// <summary>Fails a test that leaves tensors alive on its thread. Put on every test class; the tests must be synchronous.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class NoTensorLeaksAttribute : BeforeAfterTestAttribute
{
    private long _before;

    public override void Before(MethodInfo methodUnderTest) => _before = Live();

    public override void After(MethodInfo methodUnderTest)
    {
        long leaked = Live() - _before;
        if (leaked != 0) throw new XunitException($"{methodUnderTest.Name} left {leaked} more tensors alive than it found.");
    }

    internal static long Live() => DisposeScopeManager.Statistics.ThreadTotalLiveCount;
}
