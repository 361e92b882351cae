package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** While a model learns, shows now and then what the newest served checkpoint writes. */
final class Sampling implements AutoCloseable {
    private static final String PROMPT = "ROMEO:";
    private static final int TOKENS = 80;
    private static final int SECONDS_BETWEEN = 20;

    private final Api inference;
    private final Console console;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "sampling");
    private String shown = "";

    Sampling(Api inference, Console console) {
        this.inference = inference;
        this.console = console;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    private void run() {
        try {
            do {
                sample();
            } while (!stop.await(shown.isEmpty() ? 1 : SECONDS_BETWEEN, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Shows one text of the model that is served now, unless none is or this one has been heard; true where one was shown. */
    synchronized boolean sample() {
        if (!inference.answers("/health", 200)) {
            return false;
        }
        try {
            JsonNode answer = inference.post(
                    "/v1/completions",
                    Api.object()
                            .put("model", "bardstream")
                            .put("prompt", PROMPT)
                            .put("max_tokens", TOKENS)
                            .put("temperature", 0.8));
            String checkpoint = answer.path("system_fingerprint").asText();
            if (checkpoint.equals(shown)) {
                return false;
            }
            shown = checkpoint;
            String text = PROMPT + answer.path("choices").path(0).path("text").asText();
            console.line("");
            console.line("  " + checkpoint + " writes:");
            text.strip().lines().forEach(line -> console.line("  | " + line));
            console.line("");
            return true;
        } catch (Api.Unreachable | Api.Refusal notNow) {
            return false; // the next look will tell; a service that stays away is reported by its supervisor
        }
    }

    @Override
    public void close() {
        stop.countDown();
    }
}
