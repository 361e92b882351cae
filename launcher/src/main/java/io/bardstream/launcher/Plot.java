package io.bardstream.launcher;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Plots as inline SVG, drawn in the page's own colours. */
final class Plot {
    private static final int WIDTH = 340;
    private static final int HEIGHT = 190;
    private static final int LEFT = 46;
    private static final int RIGHT = 12;
    private static final int TOP = 28;
    private static final int BOTTOM = 30;

    private Plot() {}

    /** Numbers one after another, counted from 1, as a line; 0 is on the axis. */
    static String line(String title, List<Double> values) {
        double low = Math.min(0, values.stream().min(Double::compare).orElse(0.0));
        double high = Math.max(low + 1e-9, values.stream().max(Double::compare).orElse(1.0));
        StringBuilder svg = new StringBuilder(opening(title));
        for (double mark : new double[] {low, (low + high) / 2, high}) {
            double y = y(mark, low, high);
            svg.append(format(
                    "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDTH - RIGHT, y, y));
            svg.append(format("<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>", LEFT - 6, y + 4, mark));
        }
        int last = Math.max(1, values.size() - 1);
        StringBuilder points = new StringBuilder();
        for (int i = 0; i < values.size(); i++) {
            double x = LEFT + (WIDTH - LEFT - RIGHT) * (double) i / last;
            points.append(format("%.1f,%.1f ", x, y(values.get(i), low, high)));
        }
        svg.append("<polyline points=\"").append(points.toString().strip()).append("\"/>");
        svg.append(format("<text x=\"%d\" y=\"%d\">1</text>", LEFT, HEIGHT - 10));
        svg.append(format(
                "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">update %d</text>",
                WIDTH - RIGHT, HEIGHT - 10, values.size()));
        return svg.append("</svg>").toString();
    }

    /** A bar with its share. */
    record Bar(String name, double share) {}

    /** Shares from 0 to 1 as bars. */
    static String bars(String title, List<Bar> bars) {
        double step = (double) (HEIGHT - TOP - BOTTOM) / bars.size();
        int room = WIDTH - 110 - RIGHT - 50;
        String drawn = IntStream.range(0, bars.size())
                .mapToObj(i -> {
                    double y = TOP + i * step + step * 0.2;
                    Bar bar = bars.get(i);
                    return format(
                                    "<text x=\"104\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
                                    y + step * 0.4, Page.escaped(bar.name()))
                            + format(
                                    "<rect x=\"110\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
                                    y, room * bar.share(), step * 0.6)
                            + format(
                                    "<text x=\"%.1f\" y=\"%.1f\">%.1f %%</text>",
                                    116 + room * bar.share(), y + step * 0.4, 100 * bar.share());
                })
                .collect(Collectors.joining());
        return opening(title) + drawn + "</svg>";
    }

    private static String opening(String title) {
        return format(
                "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\"><text class=\"title\" x=\"%d\" y=\"16\">%s</text>",
                WIDTH, HEIGHT, Page.escaped(title), LEFT, Page.escaped(title));
    }

    private static double y(double value, double low, double high) {
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low);
    }

    private static String format(String text, Object... values) {
        return String.format(Locale.ROOT, text, values);
    }
}
