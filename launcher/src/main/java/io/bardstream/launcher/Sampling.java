package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Stage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * While a model learns, shows now and then what the newest served checkpoint writes: one that has only read goes on after
 * a speaker's name, one that has learned to converse answers.
 */
final class Sampling implements AutoCloseable {
    private static final String SPEAKER = "ROMEO:";
    private static final String QUESTION = "Turn into thou-speech: You are my friend.";
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
            boolean converses = !inference
                    .get("/v1/models/" + Checkpoint.POLICY)
                    .path("stage")
                    .asText()
                    .equals(Stage.PRETRAIN.label());
            JsonNode answer = converses ? answer() : continuation();
            String checkpoint = answer.path("system_fingerprint").asText();
            if (checkpoint.equals(shown)) {
                return false;
            }
            shown = checkpoint;
            JsonNode choice = answer.path("choices").path(0);
            String text = converses
                    ? choice.at("/message/content").asText()
                    : SPEAKER + choice.path("text").asText();
            console.line("");
            console.line("  " + checkpoint + (converses ? " answers \"" + QUESTION + "\":" : " writes:"));
            text.strip().lines().forEach(line -> console.line("  | " + line));
            console.line("");
            return true;
        } catch (Api.Unreachable | Api.Refusal notNow) {
            return false; // the next look will tell; a service that stays away is reported by its supervisor
        }
    }

    private JsonNode continuation() {
        return inference.post("/v1/completions", request().put("prompt", SPEAKER));
    }

    private JsonNode answer() {
        ObjectNode request = request();
        request.putArray("messages").addObject().put("role", "user").put("content", QUESTION);
        return inference.post("/v1/chat/completions", request);
    }

    private static ObjectNode request() {
        return Api.object()
                .put("model", Checkpoint.POLICY)
                .put("max_tokens", TOKENS)
                .put("temperature", 0.8);
    }

    @Override
    public void close() {
        stop.countDown();
    }
}
