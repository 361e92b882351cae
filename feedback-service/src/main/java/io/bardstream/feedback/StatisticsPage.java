package io.bardstream.feedback;

import io.bardstream.event.Preference.Choice;
import io.bardstream.service.Share;
import io.quarkus.qute.CheckedTemplate;
import io.quarkus.qute.TemplateInstance;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.eclipse.microprofile.openapi.annotations.Operation;

/** What {@code /v1/statistics} says, for people: sentences, tables, and plots that are drawn here and need no script. */
@Path("/statistics")
@Produces(MediaType.TEXT_HTML)
public class StatisticsPage {
    private static final DateTimeFormatter MINUTE =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT).withZone(ZoneOffset.UTC);

    private final Statistics statistics;

    StatisticsPage(Statistics statistics) {
        this.statistics = statistics;
    }

    /** The template, beside this class's name. */
    @CheckedTemplate
    static class Templates {
        static native TemplateInstance statistics(
                String here,
                Statistics.Report report,
                Days days,
                List<Chosen> chosen,
                Interval left,
                String agreement,
                String alpha,
                String seconds,
                List<Row> rows);
    }

    @GET
    @Operation(hidden = true)
    public TemplateInstance show() {
        Statistics.Report report = statistics.report();
        return Templates.statistics(
                "statistics",
                report,
                Days.of(report.days()),
                chosen(report.choices(), report.votes()),
                Interval.of(report.left()),
                percent(report.agreement().percent()),
                number("%.2f", report.agreement().alpha()),
                inSeconds(report.secondsPerVote()),
                report.annotators().stream().map(Row::of).toList());
    }

    /** How often something was chosen, and its share in percent. */
    public record Chosen(Choice choice, long votes, long share) {}

    private static List<Chosen> chosen(Map<Choice, Long> choices, long all) {
        return choices.entrySet().stream()
                .map(entry -> new Chosen(
                        entry.getKey(), entry.getValue(), all == 0 ? 0 : Math.round(100.0 * entry.getValue() / all)))
                .toList();
    }

    /** One annotator's numbers as text. */
    public record Row(
            String annotator, long votes, long judged, String left, String agreement, String seconds, String last) {
        static Row of(Statistics.OfAnnotator annotator) {
            return new Row(
                    annotator.annotator(),
                    annotator.votes(),
                    annotator.judged(),
                    percent(annotator.left().value()),
                    percent(annotator.agreement().value()),
                    inSeconds(annotator.secondsPerVote()),
                    minute(annotator.last()));
        }
    }

    /**
     * Votes of each day as bars that stand on a line.
     *
     * @param most votes of the busiest day
     */
    public record Days(List<Bar> bars, long most, String first, String last) {
        static final int HEIGHT = 140; // of the highest bar, in units of the drawing
        private static final int STEP = 24;

        /** @param y where the bar begins, from above */
        public record Bar(String day, long votes, int x, long y, long height) {}

        static Days of(List<Statistics.Day> days) {
            long most = days.stream().mapToLong(Statistics.Day::votes).max().orElse(0);
            List<Bar> bars = IntStream.range(0, days.size())
                    .mapToObj(i -> bar(days.get(i), i * STEP, most))
                    .toList();
            return new Days(
                    bars, most, bars.get(0).day(), bars.get(bars.size() - 1).day());
        }

        private static Bar bar(Statistics.Day day, int x, long most) {
            long height = most == 0 ? 0 : Math.round((double) HEIGHT * day.votes() / most);
            return new Bar(day.day().toString(), day.votes(), x, HEIGHT - height, height);
        }
    }

    /**
     * A share and its interval as a point and a line, in per mille of the axis and as text; null where there is nothing
     * to show.
     */
    public record Interval(long count, long of, long value, long low, long high, String text, String from, String to) {
        static Interval of(Share share) {
            return share.value() == null
                    ? null
                    : new Interval(
                            share.count(),
                            share.of(),
                            Math.round(1000 * share.value()),
                            Math.round(1000 * share.low()),
                            Math.round(1000 * share.high()),
                            percent(share.value()),
                            percent(share.low()),
                            percent(share.high()));
        }

        public long width() {
            return high - low;
        }
    }

    private static String percent(Double share) {
        return share == null ? "–" : Math.round(100 * share) + "\u00a0%";
    }

    private static String inSeconds(Double seconds) {
        return seconds == null ? "–" : number("%.1f", seconds) + "\u00a0s";
    }

    private static String number(String format, Double value) {
        return value == null ? "–" : String.format(Locale.ROOT, format, value);
    }

    private static String minute(Instant at) {
        return MINUTE.format(at);
    }
}
