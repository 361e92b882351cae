package io.bardstream.launcher;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Follows one training run to its end and shows it: a bar on a terminal; elsewhere a line at each evaluation and at least every ten seconds. A trainer that
 * restarts meanwhile is waited for.
 */
final class RunFollower {
    private static final Set<String> ENDED = Set.of("succeeded", "failed", "cancelled");
    private static final Duration BETWEEN_LINES = Duration.ofSeconds(10);

    private final Api trainer;
    private final String run;
    private final String title;
    private final Console console;
    private final Instant since = Instant.now();
    private Progress progress = Progress.NONE;
    private long shownStep = -1;
    private long lastLine;
    private String verdict = "";

    RunFollower(Api trainer, String run, String title, Console console) {
        this.trainer = trainer;
        this.run = run;
        this.title = title;
        this.console = console;
        this.lastLine = System.nanoTime() - BETWEEN_LINES.toNanos();
    }

    /** Returns the run as it ended. */
    JsonNode follow() {
        try {
            while (true) {
                JsonNode view = look();
                if (ENDED.contains(view.path("status").asText())) {
                    return view;
                }
                TimeUnit.MILLISECONDS.sleep(500);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure("Interrupted while following run " + run, e);
        } finally {
            console.bar("");
        }
    }

    /** Its newest measurements. */
    Progress progress() {
        return progress;
    }

    /** Reads measurements for as long as they come, then the run's state. */
    private JsonNode look() {
        try {
            trainer.events("/v1/runs/" + run + "/metrics", this::take);
            return trainer.get("/v1/runs/" + run);
        } catch (Api.Unreachable trainerRestarts) {
            return waiting();
        } catch (Api.Refusal refusal) {
            if (refusal.status() != 503) {
                throw refusal;
            }
            return waiting();
        }
    }

    private JsonNode waiting() {
        console.bar(title + "  waiting for the trainer");
        return Api.object();
    }

    private boolean take(String data) {
        try {
            show(Api.JSON.readTree(data));
        } catch (JsonProcessingException e) {
            throw new CommandFailure("Run " + run + " measured what is not JSON: " + data, e);
        }
        return true;
    }

    /** What was measured before anybody looked is taken in, but not shown line by line. */
    private boolean isHistory(JsonNode metrics) {
        return metrics.path("at").isTextual()
                && Instant.parse(metrics.path("at").asText()).isBefore(since);
    }

    /** What is wrong with the run, when that changes. */
    private void tellVerdict(JsonNode newest) {
        String words = newest.isTextual() ? newest.asText() : "";
        if (words.equals(verdict)) {
            return;
        }
        verdict = words;
        if (words.isEmpty()) {
            console.line(title + "  is healthy again");
        } else {
            console.problem(title, words);
        }
    }

    private void show(JsonNode metrics) {
        if (metrics.path("step").asLong() < shownStep) {
            return; // seen before the stream broke
        }
        shownStep = metrics.path("step").asLong();
        progress = progress.with(metrics);
        if (isHistory(metrics)) {
            return;
        }
        tellVerdict(metrics.path("verdict"));
        if (console.terminal()) {
            console.bar(progress.bar(title, console.columns()));
        } else if (metrics.path("bits_per_byte").isNumber()
                || System.nanoTime() - lastLine >= BETWEEN_LINES.toNanos()) {
            lastLine = System.nanoTime();
            console.line(progress.line(title));
        }
    }
}
