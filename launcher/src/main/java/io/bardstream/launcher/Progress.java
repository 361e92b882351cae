package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * How far a training run is, as its newest measurements say.
 *
 * @param loss nats a token, of the training text
 * @param bitsPerByte of the validation text, at the newest evaluation
 * @param score what the judge of PPO gives, in place of the loss
 * @param kl of a response to the reference of PPO, in nats
 */
record Progress(
        long step,
        long steps,
        OptionalDouble loss,
        OptionalDouble bitsPerByte,
        OptionalDouble score,
        OptionalDouble kl,
        OptionalDouble tokensPerSecond,
        OptionalDouble secondsLeft) {
    private static final int WIDEST_BAR = 30;
    private static final int NARROWEST_BAR = 6;

    private static final OptionalDouble UNKNOWN = OptionalDouble.empty();

    static final Progress NONE = new Progress(0, 0, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN);

    /** This, replaced by what a record of {@code training-metrics} measured; what it did not measure stays. */
    Progress with(JsonNode metrics) {
        return new Progress(
                metrics.path("step").asLong(step),
                metrics.path("steps").asLong(steps),
                measured(metrics, "loss", loss),
                measured(metrics, "bits_per_byte", bitsPerByte),
                measured(metrics.path("measures"), "objective/scores", score),
                measured(metrics.path("measures"), "objective/kl", kl),
                measured(metrics, "tokens_per_second", tokensPerSecond),
                measured(metrics, "seconds_left", secondsLeft));
    }

    private static OptionalDouble measured(JsonNode metrics, String field, OptionalDouble before) {
        return metrics.path(field).isNumber()
                ? OptionalDouble.of(metrics.path(field).asDouble())
                : before;
    }

    /** One line, such as {@code pretrain  312/800  loss 4.213  2.71 bits/byte  38.4k tokens/s  0:41 left}. */
    String line(String title) {
        return title + "  " + String.join("  ", words(3));
    }

    /** The same with a bar that takes the room the terminal leaves. */
    String bar(String title, int columns) {
        String text = String.join("  ", words(2));
        int room = columns - title.length() - text.length() - 7;
        if (steps == 0 || room < NARROWEST_BAR) {
            return line(title);
        }
        int width = Math.min(WIDEST_BAR, room);
        int done = (int) (width * Math.min(step, steps) / steps);
        return title + "  [" + "#".repeat(done) + "-".repeat(width - done) + "]  " + text;
    }

    private List<String> words(int decimals) {
        List<String> words = new ArrayList<>();
        words.add(steps == 0 ? "waiting" : step + "/" + steps);
        if (score.isEmpty()) {
            loss.ifPresent(value -> words.add(String.format(Locale.ROOT, "loss %." + decimals + "f", value)));
        }
        score.ifPresent(value -> words.add(String.format(Locale.ROOT, "score %+.2f", value)));
        kl.ifPresent(value -> words.add(String.format(Locale.ROOT, "KL %.2f", value)));
        bitsPerByte.ifPresent(value -> words.add(String.format(Locale.ROOT, "%." + decimals + "f bits/byte", value)));
        tokensPerSecond.ifPresent(value -> words.add(rate(value) + " tokens/s"));
        if (step < steps) {
            secondsLeft.ifPresent(value -> words.add(duration(Math.round(value)) + " left"));
        }
        return words;
    }

    private static String rate(double value) {
        return value < 10_000
                ? String.format(Locale.ROOT, "%.0f", value)
                : String.format(Locale.ROOT, "%.1fk", value / 1_000);
    }

    static String duration(long seconds) {
        return seconds < 3600
                ? String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
}
