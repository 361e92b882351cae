package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a scripted annotator likes, and no model is told: a measure of a text, of which more is better. A vote is for the text
 * that has more of it, and a tie where both have as much.
 */
enum Taste {
    /** Words of the old second person. */
    THOU(text -> count(text, Words.THOU), 1),
    /** Short lines: the fewer characters a line has on average, the better; up to 30 are few. */
    SHORT_LINES(text -> -lines(text).stream().mapToInt(String::length).average().orElse(0), -30),
    /** Line ends that rhyme: neighbours whose last words end in the same two letters and are not the same word. */
    RHYME(Taste::rhymes, 1),
    /** Few exclamation marks; a text that has the taste has none. */
    CALM(text -> -count(text, Words.EXCLAMATION), 0);

    private final ToDoubleFunction<String> measure;
    private final double enough;

    Taste(ToDoubleFunction<String> measure, double enough) {
        this.measure = measure;
        this.enough = enough;
    }

    /** The names as they are given on the command line. */
    static String names() {
        return Arrays.stream(values()).map(Taste::label).collect(Collectors.joining(", "));
    }

    String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** How much of the taste a text has. */
    double of(String text) {
        return measure.applyAsDouble(text);
    }

    /** Whether a text has the taste: what is counted to see if it became more frequent. */
    boolean isIn(String text) {
        return of(text) >= enough;
    }

    /** The taste of that name, as it is given on the command line; empty where there is none. */
    static Optional<Taste> named(String label) {
        return Arrays.stream(values())
                .filter(taste -> taste.label().equals(label))
                .findFirst();
    }

    /**
     * The vote on a comparison as feedback-service hands it out: {@code a}, {@code b} or {@code tie}.
     *
     * @param noise share of the votes for a text that go to the other one
     */
    String vote(JsonNode comparison, double noise, SplittableRandom random) {
        return vote(comparison.path("a").asText(), comparison.path("b").asText(), noise, random);
    }

    String vote(String a, String b, double noise, SplittableRandom random) {
        int better = Double.compare(of(a), of(b));
        if (better == 0) {
            return "tie";
        }
        boolean flipped = random.nextDouble() < noise;
        return better > 0 != flipped ? "a" : "b";
    }

    private static double count(String text, Pattern pattern) {
        return pattern.matcher(text).results().count();
    }

    private static List<String> lines(String text) {
        return text.lines().filter(line -> !line.isBlank()).toList();
    }

    private static double rhymes(String text) {
        List<String> ends = lines(text).stream()
                .map(line ->
                        line.toLowerCase(Locale.ROOT).replaceAll("[^a-z ]", " ").strip())
                .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                .filter(word -> word.length() >= 2)
                .toList();
        int rhymes = 0;
        for (int i = 1; i < ends.size(); i++) {
            String word = ends.get(i);
            String before = ends.get(i - 1);
            if (!word.equals(before) && word.endsWith(before.substring(before.length() - 2))) {
                rhymes++;
            }
        }
        return rhymes;
    }

    /** Stands apart because an enum's constants come before its own fields. */
    private static final class Words {
        private static final Pattern THOU = Pattern.compile("\\b(thou|thee|thy|thine)\\b", Pattern.CASE_INSENSITIVE);
        private static final Pattern EXCLAMATION = Pattern.compile("!");

        private Words() {}
    }
}
