package io.bardstream.launcher;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** One service's HTTP API, in JSON. An answer that refuses is a {@link Refusal}; no answer is an {@link Unreachable}. */
final class Api {
    /** The service answered with an error. */
    static final class Refusal extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final int status;
        private final String code;

        Refusal(int status, String code, String message) {
            super(message);
            this.status = status;
            this.code = code;
        }

        int status() {
            return status;
        }

        /** The error's code for programs; empty where it has none. */
        String code() {
            return code;
        }
    }

    /** The service did not answer, or broke off. */
    static final class Unreachable extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Unreachable(URI service, IOException cause) {
            super(
                    "Nothing answers at " + service + " (" + cause
                            + "). Start it with `bardstream up`, or say --home or --port-base"
                            + " if it runs elsewhere; `bardstream status` shows what runs.",
                    cause);
        }
    }

    static final ObjectMapper JSON = new ObjectMapper();

    private static final HttpClient CLIENT = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .proxy(HttpClient.Builder.NO_PROXY)
            .build();

    private final URI service;

    Api(URI service) {
        this.service = service;
    }

    static ObjectNode object() {
        return JSON.createObjectNode();
    }

    /** A text that a service gave as JSON. */
    static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new CommandFailure("This is no JSON: " + text, e);
        }
    }

    /** A list's items, whether the answer is an array or an object with {@code data}. */
    static List<JsonNode> items(JsonNode answer) {
        JsonNode array = answer.isArray() ? answer : answer.path("data");
        return Stream.iterate(0, i -> i < array.size(), i -> i + 1)
                .map(array::get)
                .toList();
    }

    JsonNode get(String path) {
        return json(send(request(path).GET().build(), HttpResponse.BodyHandlers.ofString()));
    }

    JsonNode post(String path, JsonNode body) {
        return json(send(jsonRequest(path, body), HttpResponse.BodyHandlers.ofString()));
    }

    /** Sends a file as it is; it is not read into memory. */
    JsonNode upload(String path, Path file, String contentType) {
        try {
            HttpRequest request = request(path)
                    .header("Content-Type", contentType)
                    .POST(HttpRequest.BodyPublishers.ofFile(file))
                    .build();
            return json(send(request, HttpResponse.BodyHandlers.ofString()));
        } catch (FileNotFoundException e) {
            throw new CommandFailure("There is no file " + file + " that can be read.", e);
        }
    }

    /** Writes what a GET answers, as it is, into a file that must not exist yet. */
    void download(String path, Path file) throws IOException {
        HttpResponse<InputStream> response =
                send(request(path).GET().build(), HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream body = response.body()) {
            if (response.statusCode() >= 400) {
                throw refusal(response.statusCode(), new String(body.readAllBytes(), StandardCharsets.UTF_8));
            }
            Files.copy(body, file);
        }
    }

    /** Whether a GET is answered with this status; never fails. */
    boolean answers(String path, int status) {
        try {
            HttpRequest request =
                    request(path).timeout(Duration.ofSeconds(5)).GET().build();
            return send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == status;
        } catch (Unreachable notYet) {
            return false;
        }
    }

    /** Reads events until the stream ends or the reader has enough, which it says by false. */
    void events(String path, Predicate<String> reader) {
        events(request(path).header("Accept", "text/event-stream").GET().build(), reader);
    }

    /** {@link #events(String, Predicate)} of the answer to a POST. */
    void events(String path, JsonNode body, Predicate<String> reader) {
        events(jsonRequest(path, body), reader);
    }

    private void events(HttpRequest request, Predicate<String> reader) {
        HttpResponse<Stream<String>> response = send(request, HttpResponse.BodyHandlers.ofLines());
        try (Stream<String> lines = response.body()) {
            if (response.statusCode() >= 400) {
                throw refusal(response.statusCode(), String.join("\n", lines.toList()));
            }
            Sse sse = new Sse();
            for (Iterator<String> each = lines.iterator(); each.hasNext(); ) {
                Optional<String> event = sse.line(each.next());
                if (event.isPresent() && !reader.test(event.get())) {
                    return;
                }
            }
        } catch (java.io.UncheckedIOException e) {
            throw new Unreachable(service, e.getCause());
        }
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(service.resolve(path));
        Optional.ofNullable(System.getenv("BARDSTREAM_API_KEY"))
                .filter(key -> !key.isBlank())
                .ifPresent(key -> request.header("Authorization", "Bearer " + key.strip()));
        return request;
    }

    private HttpRequest jsonRequest(String path, JsonNode body) {
        return request(path)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
                .build();
    }

    private <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> body) {
        try {
            return CLIENT.send(request, body);
        } catch (IOException e) {
            throw new Unreachable(service, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure("Interrupted while waiting for " + service, e);
        }
    }

    private JsonNode json(HttpResponse<String> response) {
        if (response.statusCode() >= 400) {
            throw refusal(response.statusCode(), response.body());
        }
        try {
            return JSON.readTree(response.body());
        } catch (JsonProcessingException e) {
            throw new CommandFailure(service + " answered with what is not JSON: " + response.body(), e);
        }
    }

    private Refusal refusal(int status, String body) {
        try {
            JsonNode error = JSON.readTree(body).path("error");
            String message = error.path("message").asText();
            if (!message.isEmpty()) {
                return new Refusal(status, error.path("code").asText(""), message);
            }
        } catch (JsonProcessingException notJson) {
            return new Refusal(status, "", service + " answered with status " + status + ": " + body);
        }
        return new Refusal(status, "", service + " answered with status " + status);
    }
}
