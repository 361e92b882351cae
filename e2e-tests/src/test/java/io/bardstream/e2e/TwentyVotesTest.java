package io.bardstream.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * One person with one taste at the form: twenty votes that decide, a reward model of them, and a candidate that answers. How many
 * seconds after the twentieth vote each part was there is printed, for docs/experiments.md. Where the gate refuses twenty votes,
 * which may happen to an honest person, too, twenty more follow. {@code bardstream.acceptance.tries} is how often each taste is
 * tried, each time with other pairs.
 */
@Tag("acceptance")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TwentyVotesTest {
    private static final Duration A_POLICY = Duration.ofMinutes(20);
    private static final Duration A_RUN = Duration.ofMinutes(10);
    private static final Duration READY = Duration.ofMinutes(3);
    private static final Duration OFTEN = Duration.ofMillis(50);
    private static final int VOTES = 20;
    private static final int MOST_ROUNDS = 3;
    private static final int TRIES = Integer.getInteger("bardstream.acceptance.tries", 1);

    /** The places of services after the port base. */
    private static final int INFERENCE = 0;

    private static final int TRAINER = 2;
    private static final int FEEDBACK = 3;
    private static final int REWARD = 4;

    private final HttpClient http = HttpClient.newHttpClient();
    private final ObjectMapper json = new ObjectMapper();

    private Path folder;
    private Path trained;

    /** What a person likes: of two texts the one with more of it. */
    private enum Taste {
        THOU(text -> Words.THOU.matcher(text).results().count()),
        SHORTER(text -> -text.length());

        private final ToDoubleFunction<String> measure;

        Taste(ToDoubleFunction<String> measure) {
            this.measure = measure;
        }

        String vote(JsonNode pair) {
            double a = measure.applyAsDouble(pair.path("a").asText());
            double b = measure.applyAsDouble(pair.path("b").asText());
            return a == b ? "tie" : a > b ? "a" : "b";
        }

        /** Stands apart because an enum's constants come before its own fields. */
        private static final class Words {
            private static final Pattern THOU = Pattern.compile("(?i)\\b(thou|thee|thy|thine)\\b");

            private Words() {}
        }
    }

    static Stream<Arguments> tries() {
        return Stream.of(Taste.values())
                .flatMap(taste -> Stream.iterate(1, number -> number <= TRIES, number -> number + 1)
                        .map(number -> Arguments.of(taste, number)));
    }

    @BeforeAll
    void aPolicy(@TempDir Path shared) throws Exception {
        folder = shared;
        trained = folder.resolve("trained");
        Command bardstream = new Command(trained);
        Process up = up(bardstream, "trained.log");
        try {
            await().atMost(A_POLICY).pollInterval(Duration.ofSeconds(1)).until(() -> there(
                            () -> run(bardstream, TRAINER, "sft")
                                    .filter(run -> run.path("status").asText().equals("succeeded")))
                    .isPresent());
            awaitServing(bardstream);
        } finally {
            down(bardstream, up);
        }
    }

    @ParameterizedTest
    @MethodSource("tries")
    void twentyVotesMakeACandidate(Taste taste, int number) throws Exception {
        // Given a policy that serves, and pairs of its texts
        String name = taste + "-" + number;
        Command bardstream = new Command(copy(trained, folder.resolve(name)));
        Process up = up(bardstream, name + ".log");
        try {
            awaitServing(bardstream);

            // When a person has cast twenty votes that decide
            Optional<String> candidate = Optional.empty();
            for (int round = 1; round <= MOST_ROUNDS && candidate.isEmpty(); round++) {
                candidate = vote(bardstream, taste, name, round);
            }

            // Then a candidate answers, and stands in the pool: votes on it are counted
            assertThat(candidate)
                    .as("a candidate after %d votes", MOST_ROUNDS * VOTES)
                    .isPresent();
            assertThat(votesOn(bardstream, taste, candidate.get())).isPositive();
        } finally {
            down(bardstream, up);
        }
    }

    /** Casts twenty votes that decide; the candidate that they make, unless the gate refuses them. */
    private Optional<String> vote(Command bardstream, Taste taste, String name, int round) throws Exception {
        int models = rewardModels(bardstream).size();
        cast(bardstream, taste, VOTES);
        Map<String, Double> seconds = new LinkedHashMap<>();
        long begin = System.nanoTime();
        await().atMost(A_RUN).pollInterval(OFTEN).pollDelay(Duration.ZERO).until(() -> {
            List<JsonNode> runs = items(bardstream, REWARD, "/v1/runs");
            return runs.size() > models && !runs.get(0).path("status").asText().equals("queued");
        });
        seconds.put("reward model begins", since(begin));
        await().atMost(A_RUN)
                .pollInterval(OFTEN)
                .until(() -> rewardModels(bardstream).size() > models);
        seconds.put("is judged", since(begin));
        JsonNode verdict = rewardModels(bardstream).get(0).path("verdict");
        System.out.printf(
                Locale.ROOT,
                "%s, %d votes: %s%n",
                name,
                round * VOTES,
                verdict.path("reason").asText());
        if (!verdict.path("passed").asBoolean()) {
            return Optional.empty();
        }
        JsonNode ppo = await().atMost(A_RUN)
                .pollInterval(OFTEN)
                .until(
                        () -> run(bardstream, TRAINER, "ppo")
                                .filter(run -> !run.path("status").asText().equals("queued")),
                        Optional::isPresent)
                .get();
        seconds.put("PPO begins", since(begin));
        String run = ppo.path("id").asText();
        JsonNode ended = await().atMost(A_RUN)
                .pollInterval(OFTEN)
                .until(() -> get(bardstream, TRAINER, "/v1/runs/" + run), now -> !List.of("queued", "running")
                        .contains(now.path("status").asText()));
        assertThat(ended.path("status").asText())
                .as(ended.path("error").asText())
                .isEqualTo("succeeded");
        seconds.put("PPO is done", since(begin));
        String candidate = ended.path("checkpoint").asText();
        String question = json.createObjectNode()
                .put("model", candidate)
                .put("prompt", "ROMEO:")
                .put("max_tokens", 8)
                .toString();
        await().atMost(READY)
                .pollInterval(OFTEN)
                .until(() ->
                        send(bardstream, INFERENCE, "/v1/completions", question).statusCode() == 200);
        seconds.put("the candidate answers", since(begin));
        System.out.println(name + ", seconds after the last vote: " + seconds);
        assertThat(get(bardstream, INFERENCE, "/v1/models").toString()).contains(candidate);
        return Optional.of(candidate);
    }

    /** Votes until some have been on the candidate's texts; how many, by what the judge has counted. */
    private double votesOn(Command bardstream, Taste taste, String candidate) {
        return await().atMost(READY)
                .pollInterval(OFTEN)
                .until(
                        () -> {
                            cast(bardstream, taste, 1);
                            JsonNode decision = get(bardstream, REWARD, "/v1/promotion-decisions/" + candidate);
                            return decision.at("/evidence/wins").asDouble()
                                    + decision.at("/evidence/losses").asDouble();
                        },
                        votes -> votes > 0);
    }

    private void cast(Command bardstream, Taste taste, int deciding) throws Exception {
        int decided = 0;
        while (decided < deciding) {
            HttpResponse<String> next = await().atMost(READY)
                    .pollInterval(OFTEN)
                    .until(
                            () -> send(bardstream, FEEDBACK, "/v1/comparisons/next?annotator=ann", null),
                            answer -> answer.statusCode() == 200);
            JsonNode pair = json.readTree(next.body());
            String choice = taste.vote(pair);
            int status = send(
                            bardstream,
                            FEEDBACK,
                            "/v1/comparisons/" + pair.path("id").asText() + "/vote",
                            json.createObjectNode()
                                    .put("annotator", "ann")
                                    .put("choice", choice)
                                    .toString())
                    .statusCode();
            decided += status == 201 && !choice.equals("tie") ? 1 : 0;
        }
    }

    private static double since(long begin) {
        return Math.round((System.nanoTime() - begin) / 1e8) / 10.0;
    }

    private List<JsonNode> rewardModels(Command bardstream) throws Exception {
        return items(bardstream, REWARD, "/v1/reward-models");
    }

    /** The newest run of a stage. */
    private Optional<JsonNode> run(Command bardstream, int service, String stage) throws Exception {
        return items(bardstream, service, "/v1/runs").stream()
                .filter(run -> run.path("stage").asText().equals(stage))
                .findFirst();
    }

    private void awaitServing(Command bardstream) {
        await().atMost(READY).pollInterval(Duration.ofSeconds(1)).until(() -> there(() -> Optional.of(
                                get(bardstream, REWARD, "/v1/promotions").at("/data/0/checkpoint"))
                        .filter(promoted -> promoted.asText().startsWith("sft-")))
                .isPresent());
        await().atMost(READY).pollInterval(Duration.ofSeconds(1)).until(() -> there(() -> Optional.of(
                                get(bardstream, INFERENCE, "/v1/models").toString())
                        .filter(models -> models.contains("sft-")))
                .isPresent());
    }

    /** Nothing, too, where the service does not listen yet. */
    private static <T> Optional<T> there(Callable<Optional<T>> question) throws Exception {
        try {
            return question.call();
        } catch (ConnectException e) {
            return Optional.empty();
        }
    }

    private Process up(Command bardstream, String log) throws IOException {
        return bardstream.start(folder.resolve(log), "up", "--preset", "tiny");
    }

    private static void down(Command bardstream, Process up) throws Exception {
        bardstream.run(READY, "down");
        up.destroy();
        up.waitFor();
    }

    private static Path copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            List<Path> all = new ArrayList<>(files.toList());
            for (Path file : all) {
                Path copied = to.resolve(from.relativize(file));
                Files.copy(file, copied, StandardCopyOption.COPY_ATTRIBUTES);
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        return to;
    }

    private List<JsonNode> items(Command bardstream, int service, String path) throws Exception {
        return StreamSupport.stream(get(bardstream, service, path).path("data").spliterator(), false)
                .toList();
    }

    private JsonNode get(Command bardstream, int service, String path) throws Exception {
        HttpResponse<String> response = send(bardstream, service, path, null);
        return json.readTree(response.body());
    }

    /** Asks, or posts a body where there is one. */
    private HttpResponse<String> send(Command bardstream, int service, String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(bardstream.address(service) + path));
        if (body != null) {
            request.header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body));
        }
        return http.send(request.build(), BodyHandlers.ofString());
    }
}
