package io.bardstream.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** The whole system in containers, built and started from empty volumes, and what its users do with it over HTTP. */
final class ComposedSystem implements AutoCloseable {
    static final Duration SOON = Duration.ofMinutes(8);

    /** By the names that their ports have in {@code .env.example}. */
    static final List<String> SERVICES = List.of("INFERENCE", "TOKENIZER", "TRAINER", "FEEDBACK", "REWARD");

    private static final Duration BUILT = Duration.ofMinutes(12);

    private final HttpClient http = HttpClient.newHttpClient();
    private final ObjectMapper json = new ObjectMapper();
    private final Compose compose = new Compose();
    private final Path log;

    /** @param log where the containers' log stays */
    ComposedSystem(Path log) throws IOException, InterruptedException {
        this.log = log;
        compose.run(BUILT, "up", "--build", "--detach");
    }

    /** Runs a subcommand of {@code docker compose} to its end and gives what it printed. */
    String compose(String... arguments) throws IOException, InterruptedException {
        return compose.run(SOON, arguments);
    }

    /** Takes a service off the network for some time, and puts it back. */
    void cutOff(String service, Duration time) throws IOException, InterruptedException {
        String container =
                compose("ps", "--all", "--format", "{{.Name}}", service).strip();
        String network = docker(
                        "inspect",
                        "--format",
                        "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}",
                        container)
                .strip();
        docker("network", "disconnect", network, container);
        Thread.sleep(time.toMillis());
        docker("network", "connect", "--alias", service, network, container);
    }

    private String docker(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("docker"));
        command.addAll(List.of(arguments));
        return compose.run(SOON, command);
    }

    /** Waits until a policy is served. */
    void awaitServed() {
        await().atMost(SOON).pollInterval(Duration.ofSeconds(1)).until(() -> isOk("INFERENCE", "/health"));
    }

    void awaitReady() {
        for (String service : SERVICES) {
            await().atMost(SOON).pollInterval(Duration.ofSeconds(1)).until(() -> isOk(service, "/q/health/ready"));
        }
    }

    /** Prefers the shorter text of the next pair, and gives the vote's id and that text. */
    Map.Entry<String, String> judgeOne(String annotator) {
        JsonNode pair = await().atMost(SOON)
                .pollInterval(Duration.ofSeconds(1))
                .ignoreExceptionsInstanceOf(IOException.class)
                .until(() -> next(annotator), next -> next.hasNonNull("id"));
        String choice =
                pair.at("/a").asText().length() <= pair.at("/b").asText().length() ? "a" : "b";
        HttpRequest vote = withBody(
                request("FEEDBACK", "/v1/comparisons/" + pair.at("/id").asText() + "/vote"),
                "{\"annotator\":\"" + annotator + "\",\"choice\":\"" + choice + "\"}");
        HttpResponse<String> acknowledged = await().atMost(SOON)
                .pollInterval(Duration.ofSeconds(1))
                .ignoreExceptionsInstanceOf(IOException.class)
                .until(
                        () -> http.send(vote, BodyHandlers.ofString()),
                        answer -> answer.statusCode() == 201 || answer.statusCode() == 200);
        return Map.entry(
                read(acknowledged.body()).at("/id").asText(),
                pair.at("/" + choice).asText());
    }

    private JsonNode next(String annotator) throws IOException, InterruptedException {
        HttpResponse<String> answer = http.send(
                request("FEEDBACK", "/v1/comparisons/next?annotator=" + annotator)
                        .build(),
                BodyHandlers.ofString());
        return answer.statusCode() == 200 ? json.readTree(answer.body()) : json.nullNode();
    }

    /** Votes that stand, by id, with the text that each prefers, as a trainer of reward models exports them. */
    Map<String, String> decided() {
        return send(request("FEEDBACK", "/v1/preferences.jsonl").build(), 200)
                .lines()
                .map(this::read)
                .collect(Collectors.toMap(line -> line.at("/id").asText(), line -> line.at("/chosen")
                        .asText()));
    }

    /** The newest run of a stage that the curriculum has started. */
    Optional<JsonNode> run(String service, String stage) {
        return StreamSupport.stream(get(service, "/v1/runs").at("/data").spliterator(), false)
                .filter(run -> run.at("/stage").asText().equals(stage))
                .filter(run -> run.at("/requested_by").asText().equals("curriculum"))
                .findFirst();
    }

    boolean isOk(String service, String path) throws InterruptedException {
        try {
            return http.send(request(service, path).build(), BodyHandlers.discarding())
                            .statusCode()
                    == 200;
        } catch (IOException notYet) {
            return false;
        }
    }

    JsonNode get(String service, String path) {
        return read(send(request(service, path).build(), 200));
    }

    JsonNode post(String service, String path, String body, int status) {
        return read(send(withBody(request(service, path), body), status));
    }

    private JsonNode read(String text) {
        try {
            return json.readTree(text);
        } catch (IOException e) {
            throw new AssertionError(text, e);
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

    private static HttpRequest withBody(HttpRequest.Builder request, String body) {
        return request.header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
    }

    private HttpRequest.Builder request(String service, String path) {
        return HttpRequest.newBuilder(URI.create(compose.address(service) + path))
                .timeout(Duration.ofMinutes(1));
    }

    /** Keeps the log and removes containers and volumes. */
    @Override
    public void close() throws IOException, InterruptedException {
        Files.writeString(log, compose("logs", "--no-color"));
        compose("down", "--volumes", "--timeout", "10");
    }
}
