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
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** What the users of a system do with it over HTTP, wherever its services run. */
abstract class RunningSystem {
    static final Duration SOON = Duration.ofMinutes(8);

    private final HttpClient http = HttpClient.newHttpClient();
    private final ObjectMapper json = new ObjectMapper();

    /** Where a service is now, as {@code http://127.0.0.1:8080}. */
    abstract String address(Service service);

    /** Waits until a policy is served. */
    void awaitServed() {
        await().atMost(SOON).pollInterval(Duration.ofSeconds(1)).until(() -> isOk(Service.INFERENCE, "/health"));
    }

    /** Waits until the inference-service at that address serves a checkpoint. */
    void awaitServed(String address, String checkpoint) {
        await().atMost(SOON).pollInterval(Duration.ofSeconds(1)).until(() -> served(address), checkpoint::equals);
    }

    void awaitReady() {
        for (Service service : Service.values()) {
            await().atMost(SOON).pollInterval(Duration.ofSeconds(1)).until(() -> isOk(service, "/q/health/ready"));
        }
    }

    /** The checkpoint that is served. */
    String served() {
        return served(address(Service.INFERENCE));
    }

    /** The checkpoint that a short completion comes from, by the inference-service at that address. */
    private String served(String address) {
        return complete(address, 4).at("/system_fingerprint").asText();
    }

    /** A completion, by the inference-service at that address. */
    JsonNode complete(String address, int tokens) {
        return post(address + "/v1/completions", "{\"prompt\":\"ROMEO:\",\"max_tokens\":" + tokens + "}", 200);
    }

    /** Lets a checkpoint serve. */
    void promote(String checkpoint) {
        post(Service.REWARD, "/v1/promotions", "{\"checkpoint\":\"" + checkpoint + "\"}", 201);
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
                request(address(Service.FEEDBACK) + "/v1/comparisons/"
                        + pair.at("/id").asText() + "/vote"),
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
                request(address(Service.FEEDBACK) + "/v1/comparisons/next?annotator=" + annotator)
                        .build(),
                BodyHandlers.ofString());
        return answer.statusCode() == 200 ? json.readTree(answer.body()) : json.nullNode();
    }

    /** Votes that stand, by id, with the text that each prefers, as a trainer of reward models exports them. */
    Map<String, String> decided() {
        return text(address(Service.FEEDBACK) + "/v1/preferences.jsonl")
                .lines()
                .map(this::read)
                .collect(Collectors.toMap(line -> line.at("/id").asText(), line -> line.at("/chosen")
                        .asText()));
    }

    /** The runs of trainer-service, newest first. */
    Stream<JsonNode> runs() {
        return StreamSupport.stream(get(Service.TRAINER, "/v1/runs").at("/data").spliterator(), false);
    }

    /** Steps that a run has done in its newest checkpoint; 0 where it has none. */
    long newestStep(String run) {
        return StreamSupport.stream(
                        get(Service.TRAINER, "/v1/checkpoints").at("/data").spliterator(), false)
                .filter(checkpoint -> checkpoint.at("/run").asText().equals(run))
                .mapToLong(checkpoint -> checkpoint.at("/step").asLong())
                .max()
                .orElse(0);
    }

    /** The newest run of a stage that the curriculum has started. */
    Optional<JsonNode> run(String stage) {
        return runs().filter(run -> run.at("/stage").asText().equals(stage))
                .filter(run -> run.at("/requested_by").asText().equals("curriculum"))
                .findFirst();
    }

    /** Waits for the end of the newest such run, and gives it. */
    JsonNode awaitSucceeded(String stage) {
        return await().atMost(SOON)
                .pollInterval(Duration.ofSeconds(1))
                .until(
                        () -> run(stage),
                        run -> run.isPresent()
                                && run.get().at("/status").asText().equals("succeeded"))
                .orElseThrow();
    }

    boolean isOk(Service service, String path) throws InterruptedException {
        return isOk(address(service) + path);
    }

    boolean isOk(String url) throws InterruptedException {
        try {
            return http.send(request(url).build(), BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException notYet) {
            return false;
        }
    }

    JsonNode get(Service service, String path) {
        return get(address(service) + path);
    }

    JsonNode get(String url) {
        return read(text(url));
    }

    /** What an address answers, as it is. */
    String text(String url) {
        return send(request(url).build(), 200);
    }

    JsonNode post(Service service, String path, String body, int status) {
        return post(address(service) + path, body, status);
    }

    JsonNode post(String url, String body, int status) {
        return read(send(withBody(request(url), body), status));
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

    private static HttpRequest.Builder request(String url) {
        return HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofMinutes(1));
    }
}
