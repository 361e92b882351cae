package io.bardstream.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.bardstream.embedded.RequiresDocker;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * The unmodified {@code docker-compose.yml}, from empty volumes: text becomes a served model, people's votes become facts on a topic, and a
 * broker that goes away comes back. Each test goes on where the one before it stopped. The containers' log stays in
 * {@code target/compose.log}.
 */
@RequiresDocker({"apache/kafka:4.2.1", "postgres:17", "eclipse-temurin:21-jre"})
@Tag("acceptance")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(OrderAnnotation.class)
class ComposeIT {
    private static final Duration BUILT = Duration.ofMinutes(12);
    private static final Duration SOON = Duration.ofMinutes(8);
    private static final int VOTES = 5;

    private final HttpClient http = HttpClient.newHttpClient();
    private final ObjectMapper json = new ObjectMapper();

    private Compose compose;

    @BeforeAll
    void up() throws IOException, InterruptedException {
        compose = new Compose();
        compose.run(BUILT, "up", "--build", "--detach");
    }

    @AfterAll
    void down() throws IOException, InterruptedException {
        Files.writeString(Path.of("target", "compose.log"), compose.run(SOON, "logs", "--no-color"));
        compose.run(SOON, "down", "--volumes", "--timeout", "10");
    }

    @Test
    @Order(1)
    void rawTextBecomesAServedModel() {
        await().atMost(SOON).pollInterval(Duration.ofSeconds(1)).until(() -> isOk("INFERENCE", "/health"));

        JsonNode completion = post("INFERENCE", "/v1/completions", "{\"prompt\":\"ROMEO:\",\"max_tokens\":16}", 200);

        assertThat(completion.at("/choices/0/text").asText()).isNotBlank();
        assertThat(completion.at("/system_fingerprint").asText()).startsWith("pretrain-");
    }

    @Test
    @Order(2)
    void votesBecomeFacts() {
        for (int vote = 0; vote < VOTES; vote++) {
            judgeOne("ann");
        }

        assertThat(decided()).hasSize(VOTES);
    }

    @Test
    @Order(3)
    void aBrokerThatComesBackIsFoundByAll() throws Exception {
        compose.run(SOON, "kill", "kafka");
        judgeOne("bob"); // without a broker: what is ready is judged, and announced later
        compose.run(SOON, "up", "--detach", "--no-build", "kafka");

        for (String service : List.of("INFERENCE", "TOKENIZER", "TRAINER", "FEEDBACK", "REWARD")) {
            await().atMost(SOON).pollInterval(Duration.ofSeconds(1)).until(() -> isOk(service, "/q/health/ready"));
        }
        judgeOne("bob");
        assertThat(decided()).hasSize(VOTES + 2);
    }

    @Test
    @Order(4)
    void allEndOnTheFirstSignal() throws Exception {
        compose.run(SOON, "stop", "--timeout", "30");

        for (String line : compose.run(SOON, "ps", "--all", "--format", "{{.Service}} {{.ExitCode}}")
                .lines()
                .toList()) {
            assertThat(line.split(" ")[1]).as(line).isIn("0", "143"); // 137 were a kill
        }
    }

    private void judgeOne(String annotator) {
        JsonNode pair = await().atMost(SOON)
                .pollInterval(Duration.ofSeconds(1))
                .until(() -> next(annotator), next -> next.hasNonNull("id"));
        post(
                "FEEDBACK",
                "/v1/comparisons/" + pair.at("/id").asText() + "/vote",
                "{\"annotator\":\"" + annotator + "\",\"choice\":\"a\"}",
                201);
    }

    private JsonNode next(String annotator) throws IOException, InterruptedException {
        HttpResponse<String> answer = http.send(
                request("FEEDBACK", "/v1/comparisons/next?annotator=" + annotator)
                        .build(),
                BodyHandlers.ofString());
        return answer.statusCode() == 200 ? json.readTree(answer.body()) : json.nullNode();
    }

    /** The lines of the votes that stand, as a trainer of reward models exports them. */
    private List<String> decided() {
        return send(request("FEEDBACK", "/v1/preferences.jsonl").build(), 200)
                .lines()
                .toList();
    }

    private boolean isOk(String service, String path) throws InterruptedException {
        try {
            return http.send(request(service, path).build(), BodyHandlers.discarding())
                            .statusCode()
                    == 200;
        } catch (IOException notYet) {
            return false;
        }
    }

    private JsonNode post(String service, String path, String body, int status) {
        try {
            return json.readTree(send(
                    request(service, path)
                            .header("Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.ofString(body))
                            .build(),
                    status));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private String send(HttpRequest request, int status) {
        try {
            HttpResponse<String> answer = http.send(request, BodyHandlers.ofString());
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
            return answer.body();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(request.toString(), e);
        }
    }

    private HttpRequest.Builder request(String service, String path) {
        return HttpRequest.newBuilder(URI.create(compose.address(service) + path))
                .timeout(Duration.ofMinutes(1));
    }
}
