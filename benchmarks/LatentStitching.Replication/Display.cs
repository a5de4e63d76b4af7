using LatentStitching.Studies;
using Spectre.Console;

namespace LatentStitching.Replication;

/// <summary>Shows what is going on: a live bar in a terminal, plain lines where the output is redirected.</summary>
internal sealed class Display
{
    private readonly bool _live = !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive;

    public static void Line(string text) => AnsiConsole.MarkupLine(Markup.Escape(text));

    /// <summary>Columns there are for a table. A redirected output has no width of its own, and a table must not be folded there.</summary>
    public int Width => _live ? AnsiConsole.Profile.Width : Math.Max(AnsiConsole.Profile.Width, 200);

    public void Table(Table table)
    {
        AnsiConsole.Profile.Width = Width;
        AnsiConsole.Write(table);
    }

    /// <summary>Runs a study with its own progress: parts done, and the time left.</summary>
    public T Study<T>(string name, Func<IProgress<StudyProgress>, T> work) => Step(name, tell => work(new Relay(tell)));

    /// <summary>Runs a step that reports its progress from 0 to 1 and a short text beside it.</summary>
    public T Step<T>(string name, Func<Action<double, string>, T> work)
    {
        if (!_live) return Run(work, PlainLines(name));
        return AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask bar = context.AddTask(Markup.Escape(name), maxValue: 1);
                return Run(work, (share, text) =>
                {
                    bar.Value = share;
                    bar.Description = Markup.Escape(share < 1 ? $"{name} {text}" : name);
                });
            });
    }

    private static T Run<T>(Func<Action<double, string>, T> work, Action<double, string> tell)
    {
        T result = work(tell);
        tell(1, "");
        return result;
    }

    private sealed class Relay(Action<double, string> tell) : IProgress<StudyProgress>
    {
        public void Report(StudyProgress value)
        {
            string left = value.Remaining is { } remaining ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $", {remaining.TotalMinutes:0.0} min left") : "";
            tell(Math.Min(0.999, (value.Done + (value.Share < 1 ? value.Share : 0)) / value.Total), $"{value.Done} of {value.Total}{left}: {value.Item}");
        }
    }

    private static Action<double, string> PlainLines(string name)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        double told = 0;
        return (share, text) =>
        {
            if (told >= 1) return;
            if (share >= 1)
            {
                told = share;
                Line($"{name}: done in {clock.Elapsed.TotalSeconds:0.0} s");
                return;
            }
            if (share < told + 0.1) return;
            told = share;
            Line($"{name}: {share:p0} {text}");
        };
    }
}
