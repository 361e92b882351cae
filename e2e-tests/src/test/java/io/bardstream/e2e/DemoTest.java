package io.bardstream.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code bardstream demo}: the whole ring, and what PPO makes of its reward model at ten seeds. */
@Tag("acceptance")
class DemoTest {
    private static final Duration A_DEMO = Duration.ofMinutes(40); // ten, on an idle machine
    private static final Duration A_RUN = Duration.ofMinutes(20);
    private static final Duration READY = Duration.ofMinutes(3);
    private static final int SEEDS = 10;
    private static final int ANSWERS_OF_A_SEED = 120;
    private static final Pattern THOU = Pattern.compile("(?i)\\b(thou|thee|thy|thine)\\b");

    private final HttpClient http = HttpClient.newHttpClient();
    private final ObjectMapper json = new ObjectMapper();

    @TempDir
    Path folder;

    @Test
    void theTasteRisesAndSoItDoesAtNineOfTenSeeds() throws Exception {
        // Given a demo
        Command bardstream = new Command(folder.resolve("home"));
        JsonNode report = demo(bardstream, "--taste", "thou");

        // Then it went all the way round, and one answer leads back to the offsets of all that it was made of
        assertThat(report.path("succeeded").asBoolean())
                .as(report.path("checks").toPrettyString())
                .isTrue();
        assertThat(report.at("/before/answers").asInt()).isGreaterThanOrEqualTo(200);
        assertThat(report.at("/lineage/generation/checkpoint")).isEqualTo(report.at("/after/checkpoint"));
        assertThat(report.path("lineage").findValuesAsText("topic")).contains("preferences", "token-batches");
        assertThat(folder.resolve("home/demo.html")).isNotEmptyFile();

        // When its PPO is done again with ten seeds
        Process up = bardstream.start(folder.resolve("up.log"), "up", "--manual");
        try {
            await().atMost(READY)
                    .until(() -> Files.readString(folder.resolve("up.log")).contains("All services are ready"));
            List<String> policies = new ArrayList<>();
            for (int seed = 1; seed <= SEEDS; seed++) {
                policies.add(policy(bardstream, report, seed));
            }

            // Then none diverged, and at least nine say thou more often
            double before = report.at("/before/with_taste").asDouble()
                    / report.at("/before/answers").asDouble();
            long risen = 0;
            for (String policy : policies) {
                risen += thous(bardstream, policy, report) > before + 0.15 ? 1 : 0;
            }
            assertThat(risen).isGreaterThanOrEqualTo(9);
        } finally {
            up.destroy();
            up.waitFor();
        }
    }

    @ParameterizedTest
    @CsvSource({"short-lines, 300", "calm, 120"})
    void otherTastesAreLearnedToo(String taste, String votes) throws Exception {
        JsonNode report = demo(new Command(folder.resolve("home")), "--taste", taste, "--votes", votes);

        assertThat(report.at("/checks/0/passed").asBoolean())
                .as(report.path("checks").toPrettyString())
                .isTrue();
    }

    @Test
    void votesThatWereFlippedAreMeasuredAsErrors() throws Exception {
        // Given a judge that is right on nearly all pairs, as one is without noise
        double right = 0.97;

        // When three votes of ten are flipped, to train on and to measure with
        JsonNode report = demo(new Command(folder.resolve("home")), "--noise", "0.3", "--votes", "800");

        // Then it agrees with 0.7 of those it is right on and 0.3 of the others; 160 of them have a deviation of 0.04
        assertThat(report.at("/held_out/value").asDouble()).isCloseTo(0.7 * right + 0.3 * (1 - right), within(0.12));
    }

    private JsonNode demo(Command bardstream, String... options) throws IOException, InterruptedException {
        Path report = folder.resolve("report.json");
        List<String> words = new ArrayList<>(List.of("demo", "--json", report.toString()));
        words.addAll(List.of(options));
        Command.Result result = bardstream.run(A_DEMO, words.toArray(String[]::new));
        assertThat(report).as(result.output()).exists();
        JsonNode read = json.readTree(report.toFile());
        assertThat(result.exitCode()).isEqualTo(read.path("succeeded").asBoolean() ? 0 : 1);
        return read;
    }

    /** The policy that the demo's PPO makes with another seed. */
    private String policy(Command bardstream, JsonNode report, int seed) throws Exception {
        String candidate = report.at("/after/checkpoint").asText();
        JsonNode original =
                get(bardstream, 2, "/v1/checkpoints/" + candidate + "/lineage").path("request");
        var request = json.createObjectNode();
        request.put("stage", "ppo").put("seed", seed);
        for (String field : List.of("dataset", "parent", "reward", "prompts", "preset")) {
            request.set(field, original.path(field));
        }
        String run = post(bardstream, 2, "/v1/runs", request).path("id").asText();
        await().atMost(A_RUN).pollInterval(Duration.ofSeconds(1)).until(() -> !Set.of("queued", "running")
                .contains(get(bardstream, 2, "/v1/runs/" + run).path("status").asText()));
        JsonNode ended = get(bardstream, 2, "/v1/runs/" + run);
        assertThat(ended.path("status").asText())
                .as(ended.path("error").asText())
                .isEqualTo("succeeded");
        return ended.path("checkpoint").asText();
    }

    private double thous(Command bardstream, String policy, JsonNode report) throws Exception {
        await().atMost(READY)
                .until(() -> get(bardstream, 0, "/v1/models").toString().contains(policy));
        List<String> prompts =
                new ArrayList<>(new HashSet<>(report.path("samples").findValuesAsText("prompt")));
        int with = 0;
        for (int i = 0; i < ANSWERS_OF_A_SEED; i++) {
            var request =
                    json.createObjectNode().put("model", policy).put("seed", i).put("max_tokens", 64);
            request.putArray("messages")
                    .addObject()
                    .put("role", "user")
                    .put("content", prompts.get(i % prompts.size()));
            String text = post(bardstream, 0, "/v1/chat/completions", request)
                    .at("/choices/0/message/content")
                    .asText();
            with += THOU.matcher(text).find() ? 1 : 0;
        }
        return (double) with / ANSWERS_OF_A_SEED;
    }

    private JsonNode get(Command bardstream, int service, String path) throws Exception {
        return send(HttpRequest.newBuilder(URI.create(bardstream.address(service) + path))
                .build());
    }

    private JsonNode post(Command bardstream, int service, String path, JsonNode body) throws Exception {
        return send(HttpRequest.newBuilder(URI.create(bardstream.address(service) + path))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
                .build());
    }

    private JsonNode send(HttpRequest request) throws Exception {
        String answer = http.send(request, BodyHandlers.ofString()).body();
        return json.readTree(answer);
    }
}
