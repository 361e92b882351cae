package io.bardstream.launcher;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Talks with a model, a line a turn, until the input ends. The model is given the whole conversation each time; when that no
 * longer fits its context, the oldest turns are left out, which is said.
 */
@Command(
        name = "chat",
        description = "Talks with a model that follows instructions; /new starts anew, Ctrl-D ends.",
        mixinStandardHelpOptions = true)
final class Chat implements Callable<Integer> {
    private static final String PATH = "/v1/chat/completions";
    private static final String DONE = "[DONE]";
    private static final String ANEW = "/new";
    private static final String OVERFLOW = "context_length_exceeded";

    @Mixin
    private Where where;

    @Option(
            names = "--model",
            defaultValue = "bardstream",
            description = "bardstream, the newest promoted one, or a checkpoint's id.")
    private String model;

    @Option(names = "--system", paramLabel = "TEXT", description = "How the assistant shall be.")
    private String system;

    @Option(names = "--max-tokens", description = "Most tokens of an answer; what the context has left by default.")
    private Integer maxTokens;

    @Option(
            names = "--temperature",
            defaultValue = "0.8",
            description = "0 takes the likeliest token (${DEFAULT-VALUE}).")
    private double temperature;

    @Option(names = "--seed", description = "The same seed gives the same answers to the same turns.")
    private Long seed;

    private final Console console = Console.standard();
    private final ArrayNode turns = Api.JSON.createArrayNode();

    @Override
    public Integer call() {
        Api inference = where.api(Service.INFERENCE);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = ask(lines); line != null; line = ask(lines)) {
            if (line.strip().equals(ANEW)) {
                turns.removeAll();
            } else if (!line.isBlank()) {
                turns.addObject().put("role", "user").put("content", line.strip());
                String answer = answer(inference);
                console.print("\n");
                keep(answer);
            }
        }
        console.print(console.terminal() ? "\n" : "");
        return 0;
    }

    private String ask(BufferedReader lines) {
        console.print(console.terminal() ? "> " : "");
        try {
            return lines.readLine();
        } catch (IOException e) {
            throw new UncheckedIOException("The input cannot be read", e);
        }
    }

    /** A turn in which nothing was said is no turn: the question goes with it. */
    private void keep(String answer) {
        if (answer.isBlank()) {
            turns.remove(turns.size() - 1);
        } else {
            turns.addObject().put("role", "assistant").put("content", answer);
        }
    }

    /** Shows the answer to the last turn as it comes, and returns it. */
    private String answer(Api inference) {
        while (true) {
            try {
                StringBuilder answer = new StringBuilder();
                inference.events(PATH, request(), data -> show(data, answer));
                return answer.toString();
            } catch (Api.Refusal refusal) {
                if (!refusal.code().equals(OVERFLOW)) {
                    throw refusal;
                }
                if (!forgetOldest(turns)) {
                    console.problem("chat", refusal.getMessage());
                    return "";
                }
                console.problem(
                        "chat", "the conversation is longer than the model's context; its oldest turns are left out");
            }
        }
    }

    /** Leaves out the oldest question with its answer; false where there is only one question. */
    static boolean forgetOldest(ArrayNode turns) {
        if (turns.size() < 3) {
            return false;
        }
        turns.remove(0);
        turns.remove(0);
        return true;
    }

    private ObjectNode request() {
        ObjectNode request =
                Api.object().put("model", model).put("temperature", temperature).put("stream", true);
        ArrayNode messages = request.putArray("messages");
        if (system != null) {
            messages.addObject().put("role", "system").put("content", system);
        }
        messages.addAll(turns);
        if (maxTokens != null) {
            request.put("max_tokens", maxTokens);
        }
        if (seed != null) {
            request.put("seed", seed);
        }
        return request;
    }

    private boolean show(String data, StringBuilder answer) {
        if (data.equals(DONE)) {
            return false;
        }
        try {
            JsonNode event = Api.JSON.readTree(data);
            if (event.has("error")) {
                throw new CommandFailure("The answer broke off: "
                        + event.path("error").path("message").asText());
            }
            String text =
                    event.path("choices").path(0).path("delta").path("content").asText("");
            answer.append(text);
            console.print(text);
            return true;
        } catch (JsonProcessingException e) {
            throw new CommandFailure("The answer broke off with what is not JSON: " + data, e);
        }
    }
}
