package io.bardstream.inference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A client that sees bytes and status codes. */
final class Api {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient http = HttpClient.newHttpClient();
    private final String base;

    Api(String base) {
        this.base = base;
    }

    /** An answer as it came. */
    record Answer(int status, HttpResponse<String> response) {
        JsonNode json() {
            try {
                return JSON.readTree(response.body());
            } catch (IOException e) {
                throw new UncheckedIOException(response.body(), e);
            }
        }

        String text() {
            return json().at("/choices/0/text").textValue();
        }

        /** The data of a stream's events, the last of them {@code [DONE]}. */
        List<String> events() {
            return Arrays.stream(response.body().split("\n\n", -1))
                    .filter(event -> !event.isEmpty())
                    .map(event -> event.substring("data: ".length()))
                    .toList();
        }

        List<JsonNode> chunks() {
            List<String> events = events();
            return events.subList(0, events.size() - 1).stream()
                    .map(event -> {
                        try {
                            return JSON.readTree(event);
                        } catch (IOException e) {
                            throw new UncheckedIOException(event, e);
                        }
                    })
                    .toList();
        }
    }

    Answer get(String path) {
        return send(HttpRequest.newBuilder(URI.create(base + path)).build());
    }

    Answer post(String body) {
        return post("/v1/completions", body);
    }

    Answer post(String path, String body) {
        return send(HttpRequest.newBuilder(URI.create(base + path))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build());
    }

    /** A completion of 20 tokens that the end of a text does not cut short, with these fields beside or instead. */
    Answer complete(Object... fields) {
        return post(body(fields));
    }

    static String body(Object... fields) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("prompt", "ROMEO:");
        body.put("max_tokens", 20);
        body.put("logit_bias", NEVER_ENDING);
        for (int i = 0; i < fields.length; i += 2) {
            body.put((String) fields[i], fields[i + 1]);
        }
        try {
            return JSON.writeValueAsString(body);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Keeps a model of random weights from ending its text by chance. */
    static final Map<String, Integer> NEVER_ENDING = Map.of(
            Integer.toString(Announcer.TOKENIZER.endOfText()),
            -100,
            Integer.toString(Announcer.TOKENIZER.specialToken("<|endofturn|>").orElseThrow()),
            -100);

    Answer send(HttpRequest request) {
        try {
            HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
            return new Answer(response.statusCode(), response);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
