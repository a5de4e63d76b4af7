namespace LatentStitching.Tests.Support;

/// <summary>Asserts an argument exception's whole text, so that a shape or a name missing from it is seen.</summary>
internal static class Refusal
{
    public static void ShouldRefuse(this Action act, string parameter, string text)
    {
        ArgumentException exception = act.Should().Throw<ArgumentException>().Which;
        exception.ParamName.Should().Be(parameter);
        exception.Message.Should().Be($"{text} (Parameter '{parameter}')");
    }

    public static void ShouldSay<TException>(this Action act, string text)
        where TException : Exception =>
        act.Should().Throw<TException>().Which.Message.Should().Be(text);
}
