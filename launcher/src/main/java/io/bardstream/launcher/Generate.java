package io.bardstream.launcher;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lets a model go on with a text and shows its words as they come. On a terminal the prompt stands before them; elsewhere there is only what was generated. */
@Command(name = "generate", description = "Lets a model continue a text.", mixinStandardHelpOptions = true)
final class Generate implements Callable<Integer> {
    private static final String DONE = "[DONE]";

    @Mixin
    private Where where;

    @Parameters(paramLabel = "PROMPT", description = "The text to go on with.")
    private String prompt;

    @Option(
            names = "--model",
            defaultValue = "bardstream",
            description = "bardstream, the newest promoted one, or a checkpoint's id.")
    private String model;

    @Option(names = "--max-tokens", defaultValue = "200", description = "Most tokens to generate (${DEFAULT-VALUE}).")
    private int maxTokens;

    @Option(names = "--temperature", description = "0 takes the likeliest token; the service's default is 1.")
    private Double temperature;

    @Option(names = "--seed", description = "The same seed gives the same text.")
    private Long seed;

    @Option(names = "--no-stream", description = "Shows the text only when it is complete.")
    private boolean noStream;

    private final Console console = Console.standard();

    @Override
    public Integer call() {
        ObjectNode request =
                Api.object().put("model", model).put("prompt", prompt).put("max_tokens", maxTokens);
        if (temperature != null) {
            request.put("temperature", temperature);
        }
        if (seed != null) {
            request.put("seed", seed);
        }
        Api inference = where.api(Service.INFERENCE);
        if (noStream) {
            String text = text(inference.post("/v1/completions", request));
            console.print((console.terminal() ? prompt : "") + text);
        } else {
            console.print(console.terminal() ? prompt : "");
            inference.events("/v1/completions", request.put("stream", true), this::show);
        }
        console.print("\n");
        return 0;
    }

    private boolean show(String data) {
        if (data.equals(DONE)) {
            return false;
        }
        try {
            JsonNode event = Api.JSON.readTree(data);
            if (event.has("error")) {
                throw new CommandFailure("The generation broke off: "
                        + event.path("error").path("message").asText());
            }
            console.print(text(event));
            return true;
        } catch (JsonProcessingException e) {
            throw new CommandFailure("The generation broke off with what is not JSON: " + data, e);
        }
    }

    private static String text(JsonNode answer) {
        return answer.path("choices").path(0).path("text").asText("");
    }
}
