package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.bardstream.launcher.ScriptedAnnotator.Ballots;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The scripted annotator, before a form of a few pairs. */
class ScriptedAnnotatorTest {
    private final List<String> waiting = new ArrayList<>(List.of(
            "",
            "{\"id\":\"1\",\"prompt\":\"p\",\"a\":\"thou\",\"b\":\"you\"}",
            "429",
            "{\"id\":\"2\",\"prompt\":\"p\",\"a\":\"you\",\"b\":\"he\"}",
            "{\"id\":\"3\",\"prompt\":\"p\",\"a\":\"he\",\"b\":\"thy\"}",
            "{\"id\":\"4\",\"prompt\":\"p\",\"a\":\"thou\",\"b\":\"you\"}"));
    private final List<String> votes = new ArrayList<>();
    private HttpServer form;

    @BeforeEach
    void open() throws IOException {
        form = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        form.createContext("/v1/comparisons", this::answer);
        form.start();
    }

    @AfterEach
    void close() {
        form.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        if (path.endsWith("/vote")) {
            votes.add(path.replaceAll("\\D", "").substring(1) + " "
                    + Api.json(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8))
                            .path("choice")
                            .asText());
            send(exchange, 201, "{}");
        } else {
            String next = waiting.remove(0);
            send(exchange, next.isEmpty() ? 204 : next.equals("429") ? 429 : 200, next);
        }
    }

    private static void send(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, status == 204 ? -1 : bytes.length);
        try (exchange) {
            if (status != 204) {
                exchange.getResponseBody().write(bytes);
            }
        }
    }

    @Test
    void itVotesByItsTasteUntilItIsEnough() {
        Api feedback =
                new Api(URI.create("http://127.0.0.1:" + form.getAddress().getPort()));

        Ballots cast = new ScriptedAnnotator(feedback, Taste.THOU, 0, 1).vote(so -> so.decided() == 2);

        assertThat(votes).containsExactly("1 a", "2 tie", "3 b");
        assertThat(cast).isEqualTo(new Ballots(3, 2));
        assertThat(waiting).hasSize(1);
    }
}
