package io.bardstream.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * The README's first command, on an empty home and with the bundled corpus: text becomes a vocabulary, token batches, weights and
 * answers. Each test goes on where the one before it stopped.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(OrderAnnotation.class)
class RawTextToServedShakespeareTest {
    private static final Path CORPUS = Path.of("..", "tokenizer-service/src/main/resources/corpus/shakespeare.txt")
            .toAbsolutePath()
            .normalize();
    private static final Duration FIRST_SAMPLE = Duration.ofMinutes(6);
    private static final Duration RESTART = Duration.ofMinutes(3);
    private static final Duration GONE = Duration.ofSeconds(30);

    private final HttpClient http = HttpClient.newHttpClient();
    private final ObjectMapper json = new ObjectMapper();

    @TempDir
    static Path folder;

    private Command bardstream;
    private Process up;
    private String firstRun;

    @BeforeAll
    void start() throws IOException {
        bardstream = new Command(folder.resolve("a home"));
        up = up(folder.resolve("up.log"));
    }

    @AfterAll
    void stop() throws IOException, InterruptedException {
        up.destroy();
        up.waitFor();
        bardstream.run(GONE, "down");
    }

    @Test
    @Order(1)
    void rawTextBecomesAServedModel() throws Exception {
        await().atMost(FIRST_SAMPLE).pollInterval(Duration.ofSeconds(1)).until(this::served);

        JsonNode completion =
                post(0, "/v1/completions", "{\"model\":\"bardstream\",\"prompt\":\"ROMEO:\",\"max_tokens\":16}");

        assertThat(completion.at("/choices/0/text").asText()).isNotBlank();
        assertThat(completion.at("/usage/completion_tokens").asInt()).isEqualTo(16);
        assertThat(completion.at("/system_fingerprint").asText()).startsWith("pretrain-");
    }

    @Test
    @Order(2)
    void everyFactLeadsBackToTheText() throws Exception {
        JsonNode corpus = all("/v1/corpora", "text").get(0);
        JsonNode dataset = all("/v1/datasets", "pretrain").get(0);
        JsonNode run = pretrainings().get(0);
        firstRun = run.at("/id").asText();

        assertThat(corpus.at("/bytes").asLong()).isEqualTo(Files.size(CORPUS));
        assertThat(dataset.at("/splits/train/tokens").asLong()).isPositive();
        assertThat(dataset.at("/splits/validation/tokens").asLong()).isPositive();
        assertThat(get(4, "/v1/promotions").at("/data/0/checkpoint").asText()).startsWith("pretrain-");
    }

    @Test
    @Order(3)
    void theCommandStreamsAText() throws Exception {
        Command.Result result = bardstream.run(
                Duration.ofMinutes(1),
                "generate",
                "ROMEO:",
                "--max-tokens",
                "24",
                "--seed",
                "7",
                "--temperature",
                "0.8");

        assertThat(result.exitCode()).as(result.output()).isZero();
        assertThat(result.output()).isNotBlank();
        assertThat(bardstream
                        .run(Duration.ofMinutes(1), "generate", "ROMEO:", "--max-tokens", "0x")
                        .exitCode())
                .isEqualTo(2);
    }

    @Test
    @Order(4)
    void statusKnowsEveryService() throws Exception {
        Command.Result result = bardstream.run(Duration.ofMinutes(1), "status", "--json");

        assertThat(result.exitCode()).as(result.output()).isZero();
        assertThat(result.output())
                .contains("tokenizer", "trainer", "inference", "feedback", "reward", "kafka", "postgres");
    }

    @Test
    @Order(5)
    void aCheckpointGoesOutAsAFolderAndComesBackAsTheSameModel() throws Exception {
        Path exported = folder.resolve("exported");
        Command.Result export = run("export", "bardstream", exported.toString());
        String original = export.output().strip().split(" ")[0];
        Command.Result imported = run("import", exported.toString(), "--name", "again");
        String copy = imported.output().lines().reduce((first, last) -> last).orElseThrow();

        assertThat(copy).startsWith("again-");
        String tokens = "{\"tokens\":[72,105,32,116,104,101,114,101]}";
        assertThat(post(2, "/v1/checkpoints/" + copy + "/logits", tokens))
                .isEqualTo(post(2, "/v1/checkpoints/" + original + "/logits", tokens));
        await().atMost(GONE).until(() -> get(0, "/v1/models").toString().contains(copy));
        assertThat(post(0, "/v1/completions", "{\"model\":\"" + copy + "\",\"prompt\":\"ROMEO:\",\"max_tokens\":4}")
                        .at("/system_fingerprint")
                        .asText())
                .isEqualTo(copy);
    }

    @Test
    @Order(6)
    void anAnswerLeadsBackToTheText() throws Exception {
        String answer = post(0, "/v1/completions", "{\"prompt\":\"JULIET:\",\"max_tokens\":4}")
                .at("/id")
                .asText();
        String corpus = all("/v1/corpora", "text").get(0).at("/sha256").asText();

        await().atMost(GONE)
                .until(() ->
                        bardstream.run(Duration.ofMinutes(1), "lineage", answer).exitCode() == 0);

        JsonNode lineage = json.readTree(run("lineage", answer, "--json").output());
        assertThat(lineage.at("/generation/prompt").asText()).isEqualTo("JULIET:");
        assertThat(lineage.at("/checkpoint").findValuesAsText("corpus_sha256"))
                .contains(corpus); // of the model, or of the one that it was tuned from
        assertThat(lineage.at("/checkpoint/missing")).isEmpty();
        assertThat(lineage.at("/corpora").findValuesAsText("sha256")).contains(corpus);
    }

    @Test
    @Order(7)
    void aDatasetGoesOutAsFlatFiles() throws Exception {
        JsonNode dataset = all("/v1/datasets", "pretrain").get(0);
        Path exported = folder.resolve("tokens");

        run("export", dataset.at("/id").asText(), exported.toString(), "--format", "nanogpt");

        assertThat(Files.size(exported.resolve("train.bin")))
                .isEqualTo(2 * dataset.at("/splits/train/tokens").asLong());
        assertThat(Files.size(exported.resolve("val.bin")))
                .isEqualTo(2 * dataset.at("/splits/validation/tokens").asLong());
        assertThat(exported).isDirectoryContaining("glob:**/{meta.pkl,tokenizer.json,lineage.json}");
    }

    @Test
    @Order(8)
    void killingTheLauncherLeavesNothingBehind() throws Exception {
        List<ProcessHandle> family = up.descendants().toList();
        assertThat(family).isNotEmpty();

        for (ProcessHandle launcher : launchers()) {
            launcher.destroyForcibly();
        }

        await().atMost(GONE).until(() -> family.stream().noneMatch(ProcessHandle::isAlive));
    }

    @Test
    @Order(9)
    void aSecondUpFindsWhatIsDoneAndServes() throws Exception {
        up.waitFor();
        up = up(folder.resolve("up-again.log"));

        await().atMost(RESTART).pollInterval(Duration.ofSeconds(1)).until(() -> served() && allReady());

        assertThat(pretrainings()).map(run -> run.at("/id").asText()).containsExactly(firstRun);
        assertThat(all("/v1/corpora", "text")).hasSize(1);
        assertThat(get(1, "/v1/tokenizers").at("/data")).hasSize(1);
        assertThat(all("/v1/datasets", "pretrain")).hasSize(1);
    }

    @Test
    @Order(10)
    void aRunIsMadeAgainFromTheLog() throws Exception {
        for (JsonNode run : get(2, "/v1/runs").at("/data")) {
            http.send(
                    HttpRequest.newBuilder(URI.create(bardstream.address(2) + "/v1/runs/"
                                    + run.at("/id").asText() + "/cancel"))
                            .POST(HttpRequest.BodyPublishers.noBody())
                            .build(),
                    BodyHandlers.discarding()); // it may have ended by now
        }
        Command.Result trained = bardstream.run(
                RESTART,
                "train",
                "pretrain",
                "--set",
                "steps=12",
                "--set",
                "evaluation_interval=6",
                "--set",
                "evaluation_batches=2",
                "--follow");
        assertThat(trained.exitCode()).as(trained.output()).isZero();

        String run = trained.output().lines().findFirst().orElseThrow();
        Command.Result replayed = bardstream.run(RESTART, "replay", run, "--check");

        assertThat(replayed.exitCode()).as(replayed.output()).isZero();
        assertThat(replayed.output()).contains("equal: the last and the best checkpoint have the same sha256");
    }

    @Test
    @Order(11)
    void aSweepFindsTheRateThatLearns() throws Exception {
        Command.Result swept = bardstream.run(
                RESTART,
                "train",
                "pretrain",
                "--set",
                "optimizer=adamw",
                "--set",
                "steps=10",
                "--set",
                "evaluation_batches=2",
                "--sweep",
                "learning_rate=1e-9,1e-3");

        assertThat(swept.exitCode()).as(swept.output()).isZero();
        List<String> lines = swept.output().lines().map(String::strip).toList();
        assertThat(lines.subList(lines.size() - 4, lines.size()))
                .satisfiesExactly(
                        head -> assertThat(head).startsWith("learning_rate"),
                        best -> assertThat(best).startsWith("0.001 "),
                        other -> assertThat(other).startsWith("0.000000001 "),
                        last -> assertThat(last).startsWith("Best: learning_rate=0.001, pretrain-"));
    }

    @Test
    @Order(12)
    void downStopsEverything() throws Exception {
        List<ProcessHandle> family = up.descendants().toList();

        Command.Result result = bardstream.run(Duration.ofMinutes(1), "down");

        assertThat(result.exitCode()).as(result.output()).isZero();
        await().atMost(GONE).until(() -> family.stream().noneMatch(ProcessHandle::isAlive));
    }

    private List<JsonNode> pretrainings() throws Exception {
        return StreamSupport.stream(get(2, "/v1/runs").at("/data").spliterator(), false)
                .filter(run -> run.at("/stage").asText().equals("pretrain"))
                .toList();
    }

    /** What tokenizer-service has of a kind; instructions come when the text has been learned. */
    private List<JsonNode> all(String path, String kind) throws Exception {
        return StreamSupport.stream(get(1, path).at("/data").spliterator(), false)
                .filter(each -> each.at("/kind").asText().equals(kind))
                .toList();
    }

    private Process up(Path log) throws IOException {
        return bardstream.start(log, "up", "--preset", "tiny", "--corpus", CORPUS.toString());
    }

    private Command.Result run(String... arguments) throws Exception {
        Command.Result result = bardstream.run(Duration.ofMinutes(1), arguments);
        assertThat(result.exitCode()).as(result.output()).isZero();
        return result;
    }

    /** The launcher's JVM: {@code up} itself where bash replaced itself by it, its child otherwise. */
    private List<ProcessHandle> launchers() {
        return up.info().command().orElse("").endsWith("java")
                ? List.of(up.toHandle())
                : up.children().toList();
    }

    private boolean served() throws Exception {
        if (!up.isAlive()) {
            throw new AssertionError("'up' ended:\n" + logs());
        }
        return isOk(0, "/health");
    }

    private boolean allReady() throws Exception {
        for (int service = 0; service < 5; service++) {
            if (!isOk(service, "/q/health/ready")) {
                return false;
            }
        }
        return true;
    }

    private boolean isOk(int service, String path) throws Exception {
        try {
            URI address = URI.create(bardstream.address(service) + path);
            return http.send(HttpRequest.newBuilder(address).build(), BodyHandlers.discarding())
                            .statusCode()
                    == 200;
        } catch (ConnectException e) {
            return false;
        }
    }

    private String logs() throws IOException {
        StringBuilder all = new StringBuilder();
        for (String name : List.of("up.log", "up-again.log")) {
            if (Files.exists(folder.resolve(name))) {
                all.append(Files.readString(folder.resolve(name)));
            }
        }
        return all.toString();
    }

    private JsonNode get(int service, String path) throws Exception {
        return answer(HttpRequest.newBuilder(URI.create(bardstream.address(service) + path))
                .build());
    }

    private JsonNode post(int service, String path, String body) throws Exception {
        return answer(HttpRequest.newBuilder(URI.create(bardstream.address(service) + path))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build());
    }

    private JsonNode answer(HttpRequest request) throws Exception {
        var response = http.send(request, BodyHandlers.ofString());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return json.readTree(response.body());
    }
}
