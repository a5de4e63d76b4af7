using Spectre.Console;

namespace LatentStitching.Replication;

/// <summary>Shows what is going on: a live bar in a terminal, plain lines where the output is redirected.</summary>
internal sealed class Display
{
    private readonly bool _live = !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive;

    public static void Line(string text) => AnsiConsole.MarkupLine(Markup.Escape(text));

    public void Table(Table table)
    {
        // A redirected output has no width of its own; a table must not be folded there.
        if (!_live) AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 200);
        AnsiConsole.Write(table);
    }

    /// <summary>Runs a step that reports its progress from 0 to 1 and a short text beside it.</summary>
    public T Step<T>(string name, Func<Action<double, string>, T> work)
    {
        if (!_live)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            double told = 0;
            T plain = work((share, text) =>
            {
                if (share < told + 0.25 || share >= 1) return;
                told = share;
                Line($"{name}: {share:p0} {text}");
            });
            Line($"{name}: done in {clock.Elapsed.TotalSeconds:0.0} s");
            return plain;
        }
        return AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(name), maxValue: 1);
                T result = work((share, text) =>
                {
                    task.Value = share;
                    task.Description = Markup.Escape($"{name} {text}");
                });
                task.Value = 1;
                task.Description = Markup.Escape(name);
                return result;
            });
    }
}
