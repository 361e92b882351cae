package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import io.bardstream.launcher.DemoReport.Check;
import io.bardstream.launcher.DemoReport.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A demo's report as one HTML file that needs nothing beside it: style and plots are in it, and it may load or run
 * nothing. Texts of models and people are shown, never obeyed: all go through {@link #escaped}.
 */
final class Page {
    private static final String STYLE = """
            :root { color-scheme: light dark; --ink: #1d1d1f; --soft: #6b6b70; --line: #d8d8dc; --paper: #fcfcfa; --mark: #7a3b1d; --good: #1c6b3a; --bad: #a3201c }
            @media (prefers-color-scheme: dark) { :root { --ink: #e8e8ea; --soft: #a0a0a6; --line: #3a3a3e; --paper: #18181a; --mark: #e0a07c; --good: #7bd39c; --bad: #ff9a94 } }
            body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
            h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { font-size: 1.15rem; margin-top: 2.2rem }
            table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line) }
            .passed { color: var(--good) } .failed { color: var(--bad) } .soft { color: var(--soft) }
            .text { white-space: pre-wrap; font-family: Georgia, serif } pre { overflow-x: auto; font-size: .82rem; line-height: 1.45 }
            .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1rem }
            svg { width: 100%; font: 11px system-ui, sans-serif; fill: var(--soft) } svg .title { fill: var(--ink); font-size: 13px }
            svg polyline { fill: none; stroke: var(--mark); stroke-width: 2 } svg rect { fill: var(--mark) }
            svg .grid { stroke: var(--line) }
            """;

    private static final Map<String, String> CURVES = Map.of(
            "objective/scores", "reward of PPO's rollouts",
            "objective/kl", "KL to the policy before, nats a response",
            "objective/kl_coef", "price of KL, β",
            "ppo/policy/entropy", "entropy, nats a token",
            "tokens/distinct_2", "distinct-2 of tokens",
            "tokens/responses_len_mean", "tokens a response");

    private final DemoReport report;

    Page(DemoReport report) {
        this.report = report;
    }

    /** Text as HTML shows it, whatever it spells. */
    static String escaped(String text) {
        StringBuilder escaped = new StringBuilder(text.length() + 16);
        text.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default -> escaped.appendCodePoint(c >= ' ' || c == '\n' || c == '\t' ? c : 0xFFFD);
            }
        });
        return escaped.toString();
    }

    String html() {
        String title = "Bardstream: a taste for '" + report.taste() + "' that no model was told";
        return """
                <!doctype html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
                <title>%s</title>
                <style>
                %s</style>
                </head>
                <body>
                <h1>%s</h1>
                %s
                </body>
                </html>
                """.formatted(escaped(title), STYLE, escaped(title), body());
    }

    private String body() {
        return String.join(
                "\n",
                verdict(),
                section("Before and after", table(report.rows())),
                section("Plots", plots()),
                section("Samples", samples()),
                section("One answer, back to the corpus", "<pre>" + escaped(report.lineageText()) + "</pre>"),
                section("Time", time()));
    }

    private String verdict() {
        var heldOut = report.heldOut();
        String votes = String.format(
                Locale.ROOT,
                "%d votes of a scripted annotator, %d for one of two texts, %.0f %% flipped. Reward model: %d of %d held-out pairs"
                        + " judged as voted, %.1f %% (95 %% interval %.1f to %.1f).",
                report.ballots().votes(),
                report.ballots().decided(),
                100 * report.noise(),
                heldOut.count(),
                heldOut.of(),
                100 * heldOut.value(),
                100 * heldOut.low(),
                100 * heldOut.high());
        String checks = report.checks().stream().map(Page::check).collect(Collectors.joining());
        return "<p class=\"soft\">" + escaped(votes) + "</p><table>" + checks + "</table>";
    }

    private static String check(Check check) {
        return "<tr><td class=\"%s\">%s</td><td>%s</td><td>%s</td></tr>"
                .formatted(
                        check.passed() ? "passed" : "failed",
                        check.passed() ? "passed" : "failed",
                        escaped(check.name()),
                        escaped(check.detail()));
    }

    private String plots() {
        List<String> plots = new ArrayList<>();
        plots.add(Plot.bars(
                "answers with the taste, and pairs judged as voted",
                List.of(
                        new Plot.Bar(
                                "before",
                                (double) report.before().withTaste()
                                        / report.before().answers()),
                        new Plot.Bar(
                                "after",
                                (double) report.after().withTaste()
                                        / report.after().answers()),
                        new Plot.Bar("held-out pairs", report.heldOut().value()))));
        CURVES.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(curve -> plots.add(Plot.line(curve.getValue(), measured(curve.getKey()))));
        return "<div class=\"plots\">" + String.join("", plots) + "</div>";
    }

    private List<Double> measured(String name) {
        return report.updates().stream()
                .map(update -> update.path(name))
                .filter(JsonNode::isNumber)
                .map(JsonNode::asDouble)
                .toList();
    }

    private String samples() {
        String rows = report.samples().stream().map(Page::sample).collect(Collectors.joining());
        return "<table><tr><th>prompt</th><th>before</th><th>after</th></tr>" + rows + "</table>";
    }

    private static String sample(Sample sample) {
        return "<tr><td class=\"text soft\">%s</td><td class=\"text\">%s</td><td class=\"text\">%s</td></tr>"
                .formatted(escaped(sample.prompt()), answer(sample.before()), answer(sample.after()));
    }

    private static String answer(Answers.Answer answer) {
        return escaped(answer.text())
                + String.format(Locale.ROOT, " <span class=\"soft\">%+.2f</span>", answer.reward());
    }

    private String time() {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("stage", "time"));
        report.seconds().forEach((stage, seconds) -> rows.add(List.of(stage, Progress.duration(Math.round(seconds)))));
        rows.add(List.of("all", Progress.duration(Math.round(report.totalSeconds()))));
        return table(rows);
    }

    private static String section(String title, String content) {
        return "<h2>" + escaped(title) + "</h2>\n" + content;
    }

    /** The first row is the head. */
    private static String table(List<List<String>> rows) {
        return rows.stream()
                .map(row -> {
                    String cell = row == rows.get(0) ? "th" : "td";
                    return row.stream()
                            .map(text -> "<" + cell + ">" + escaped(text) + "</" + cell + ">")
                            .collect(Collectors.joining("", "<tr>", "</tr>"));
                })
                .collect(Collectors.joining("", "<table>", "</table>"));
    }
}
