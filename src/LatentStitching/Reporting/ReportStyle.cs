namespace LatentStitching.Reporting;

/// <summary>How a report looks: light and dark, wide and narrow, on screen and on paper.</summary>
internal static class ReportStyle
{
    public const string Css = """
        :root {
          color-scheme: light dark;
          --ground: #ffffff; --panel: #f5f6f8; --ink: #1b1f24; --soft: #57606a; --line: #d5d9df; --link: #0a58ca;
          --yes: #14693a; --no: #a3260f; --open: #5a5f66;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #14171b; --panel: #1d2127; --ink: #e6e9ed; --soft: #a4adb8; --line: #363d46; --link: #7fb2ff;
            --yes: #5fd08d; --no: #ff9a83; --open: #b4bbc4;
          }
        }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body { margin: 0 auto; max-width: 72rem; padding: 1.5rem clamp(1rem, 4vw, 2.5rem) 4rem; background: var(--ground); color: var(--ink);
          font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
        h1 { font-size: clamp(1.5rem, 4vw, 2.1rem); line-height: 1.2; margin: .5rem 0 1rem; }
        h2 { font-size: 1.4rem; line-height: 1.25; margin: 2.75rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
        h3 { font-size: 1.12rem; margin: 2rem 0 .5rem; }
        h4 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
        p { margin: .6rem 0; max-width: 46rem; }
        a { color: var(--link); }
        .summary { font-size: 1.08rem; color: var(--soft); }
        nav ul { display: flex; flex-wrap: wrap; gap: .35rem 1.25rem; list-style: none; margin: 1rem 0; padding: 0; }
        .scroll { overflow-x: auto; margin: 1rem 0 .4rem; max-width: 100%; }
        .scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
        table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
        caption { text-align: left; font-weight: 600; padding: 0 0 .5rem; }
        th, td { padding: .4rem .75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
        thead th { border-bottom: 2px solid var(--soft); vertical-align: bottom; }
        tbody th { font-weight: 500; }
        .n { text-align: right; }
        .v { white-space: nowrap; }
        .ci { white-space: nowrap; color: var(--soft); font-size: .86em; }
        .ref { display: block; color: var(--soft); font-size: .86em; white-space: nowrap; }
        .none { color: var(--soft); }
        .heat { border-collapse: separate; border-spacing: 2px; }
        .heat th, .heat td { border: 0; }
        .heat tbody td { text-align: center; vertical-align: middle; min-width: 5rem; padding: .4rem .3rem; border-radius: 3px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        .heat thead th { text-align: center; font-weight: 500; }
        .heat tbody th { vertical-align: middle; text-align: right; }
        .heat td .v { display: block; font-weight: 600; }
        .heat td .ci { color: inherit; font-size: .74em; }
        .heat .self { outline: 2px solid var(--ink); outline-offset: -1px; }
        .corner { color: var(--soft); font-size: .86em; white-space: nowrap; }
        .legend { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .6rem; font-size: .86rem; color: var(--soft); margin: .3rem 0; }
        .bar { display: inline-block; width: 9rem; height: .8rem; border-radius: 2px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        .notes { margin: .3rem 0 1.4rem; padding-left: 1.1rem; font-size: .84rem; color: var(--soft); }
        code { font: .92em ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
        figure { margin: 1.25rem 0 1.75rem; }
        figure img { display: block; width: var(--width); max-width: 100%; height: auto; background: #ffffff; border-radius: 4px; }
        figcaption { color: var(--soft); font-size: .92rem; max-width: 46rem; margin-top: .4rem; }
        details { margin-top: .4rem; font-size: .94rem; }
        summary { cursor: pointer; color: var(--link); }
        .tally { font-weight: 600; }
        .findings { list-style: none; margin: 1rem 0; padding: 0; display: grid; gap: .75rem; }
        .findings li { background: var(--panel); border-left: 4px solid var(--open); border-radius: 4px; padding: .6rem 1rem; break-inside: avoid; }
        .findings p { margin: .2rem 0; max-width: none; }
        .findings .yes { border-color: var(--yes); }
        .findings .no { border-color: var(--no); }
        .state { font-weight: 600; color: var(--open); white-space: nowrap; }
        .yes .state { color: var(--yes); }
        .no .state { color: var(--no); }
        dl { margin: .4rem 0 .2rem; font-size: .92rem; }
        dl div { display: grid; grid-template-columns: minmax(9rem, 1fr) 2fr; gap: .1rem 1rem; padding: .15rem 0; }
        dt { color: var(--soft); }
        dd { margin: 0; overflow-wrap: anywhere; }
        footer { font-size: .9rem; }
        @media (max-width: 40rem) {
          .scroll { scrollbar-width: thin; }
          figure img { max-width: none; }
          dl div { grid-template-columns: 1fr; }
          th, td { padding: .35rem .5rem; }
          tbody th { position: sticky; left: 0; background: var(--ground); }
        }
        @media print {
          :root { --ground: #ffffff; --panel: #f5f6f8; --ink: #000000; --soft: #444444; --line: #bbbbbb; --link: #000000; --yes: #14693a; --no: #a3260f; --open: #444444; }
          html { font-size: 11px; }
          body { max-width: none; padding: 0; }
          nav, details { display: none; }
          .scroll { overflow: visible; }
          th, td { padding: .15rem .35rem; }
          .heat tbody td { min-width: 0; }
          figure img { max-width: 100%; }
          figure, tr { break-inside: avoid; }
          h2, h3, h4, caption { break-after: avoid; }
        }

        """;
}
