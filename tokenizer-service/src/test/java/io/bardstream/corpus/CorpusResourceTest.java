package io.bardstream.corpus;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasKey;

import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Ids;
import io.bardstream.service.BardstreamHome;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.eclipse.microprofile.config.ConfigProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
@QuarkusTestResource(TestHome.class)
class CorpusResourceTest {
    @Inject
    BardstreamHome home;

    @AfterEach
    void nothingHalfIsLeft() throws IOException {
        try (Stream<Path> files = Files.list(home.corpora())) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .allMatch(name -> name.matches("[0-9a-f]{64}\\.(txt|jsonl)"));
        }
    }

    @Test
    void anUploadedTextIsKeptAndDescribed() throws IOException {
        // Given
        String text = "Zwölf Boxkämpfer 😀 jagen Viktor.\0\r\n";
        String sha256 = Ids.sha256(text.getBytes(StandardCharsets.UTF_8));

        // When
        String id = Client.upload("pangram", text)
                .statusCode(201)
                .body("bytes", equalTo(text.getBytes(StandardCharsets.UTF_8).length))
                .body("characters", equalTo(text.codePointCount(0, text.length())))
                .body("sha256", equalTo(sha256), "kind", equalTo("text"), "name", equalTo("pangram"))
                .extract()
                .path("id");

        // Then
        assertThat(Files.readString(home.corpora().resolve(sha256 + ".txt"))).isEqualTo(text);
        when().get("/v1/corpora/" + id).then().statusCode(200).body("id", equalTo(id), "sha256", equalTo(sha256));
        when().get("/v1/corpora").then().body("object", equalTo("list"), "data.id", hasItem(id));
    }

    @Test
    void theSameTextAgainIsTheSameCorpusHoweverItComes() {
        String first =
                Client.upload("one", "the same text").statusCode(201).extract().asString();
        String again =
                Client.upload("two", "the same text").statusCode(200).extract().asString();
        String inJson = Client.post("/v1/corpora", Map.of("name", "three", "text", "the same text"))
                .statusCode(200)
                .extract()
                .asString();
        assertThat(again).isEqualTo(first);
        assertThat(inJson).isEqualTo(first);
    }

    @Test
    void aTextThatWasDeletedComesBackByBeingSentAgain() throws IOException {
        String sha256 = Client.upload("one", "a text that gets lost").extract().path("sha256");
        Files.delete(home.corpora().resolve(sha256 + ".txt"));
        Client.upload("one", "a text that gets lost").statusCode(200);
        assertThat(home.corpora().resolve(sha256 + ".txt")).hasContent("a text that gets lost");
    }

    @Test
    void theBundledCorpusNeedsNoNetwork() {
        Client.post("/v1/corpora", Map.of("name", "shakespeare", "bundled", true))
                .body("source", equalTo("bundled"), "kind", equalTo("text"));
    }

    @Test
    void anEmptyTextIsRefused() {
        assertRefused(Client.upload("empty", ""), 400, "body", "is empty");
        assertRefused(Client.post("/v1/corpora", Map.of("name", "empty", "text", "")), 400, "text", "is empty");
    }

    @Test
    void whatIsNotUtf8IsRefusedWithItsOffset() {
        byte[] latin1 = "na\u00efve".getBytes(StandardCharsets.ISO_8859_1);
        assertRefused(
                given().contentType("text/plain")
                        .queryParam("name", "latin")
                        .body(latin1)
                        .post("/v1/corpora")
                        .then(),
                400,
                "body",
                "byte offset 2");
        assertRefused(
                given().contentType("text/plain; charset=UTF-16")
                        .queryParam("name", "latin")
                        .body(latin1)
                        .post("/v1/corpora")
                        .then(),
                400,
                "charset",
                "UTF-16");
        assertRefused(
                given().contentType("application/json")
                        .body("{\"name\":\"x\",\"text\":\"a\\ud800b\"}")
                        .post("/v1/corpora")
                        .then(),
                400,
                "text",
                "surrogate");
    }

    @Test
    void aKindThatIsNoneIsRefused() {
        assertRefused(
                Client.post("/v1/corpora", Map.of("name", "a", "text", "b", "kind", "images")),
                400,
                "kind",
                "text, instruct and classify");
        assertRefused(
                Client.post("/v1/corpora", Map.of("name", "a", "text", "b", "on_error", "skip")),
                400,
                "on_error",
                "no entries");
    }

    @Test
    void aNameIsThereAndNotLong() {
        assertRefused(Client.post("/v1/corpora", Map.of("text", "x")), 400, "name", "missing");
        assertRefused(
                Client.post("/v1/corpora", Map.of("name", "n".repeat(201), "text", "x")),
                400,
                "name",
                "201 characters");
        assertRefused(
                given().contentType("text/plain").body("x").post("/v1/corpora").then(), 400, "name", "missing");
    }

    @Test
    void oneSourceIsGiven() {
        assertRefused(Client.post("/v1/corpora", Map.of("name", "x")), 400, "text", "exactly one");
        assertRefused(
                Client.post("/v1/corpora", Map.of("name", "x", "text", "y", "bundled", true)),
                400,
                "text",
                "exactly one");
    }

    @Test
    void anotherContentThanExpectedIsRefusedNamingBoth() {
        String expected = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed";
        assertRefused(
                        Client.post("/v1/corpora", Map.of("name", "x", "text", "not that", "sha256", expected)),
                        422,
                        "sha256",
                        expected)
                .body("error.message", containsString(Ids.sha256("not that".getBytes(StandardCharsets.UTF_8))))
                .body("error.code", equalTo("sha256_mismatch"));
        assertRefused(
                Client.post("/v1/corpora", Map.of("name", "x", "text", "y", "sha256", "86C4")),
                400,
                "sha256",
                "64 lower-case");
    }

    @ParameterizedTest
    @CsvSource({
        "http://example.org/x.txt, only https",
        "https://127.0.0.1/x.txt, 127.0.0.1",
        "https://localhost:8081/x.txt, 127.0.0.1",
        "https://2130706433/x.txt, 127.0.0.1",
        "https://169.254.169.254/latest/meta-data/, 169.254.169.254",
        "https://[::ffff:10.0.0.1]/x.txt, 10.0.0.1",
        "https://[fd00::1]/x.txt, fd00",
        "file:///etc/passwd, only https",
    })
    void aUrlIntoThisNetworkIsNotAllowed(String url, String reason) {
        assertRefused(Client.post("/v1/corpora", Map.of("name", "x", "url", url)), 400, "url", reason)
                .body("error.code", equalTo("url_not_allowed"));
    }

    @Test
    void aUrlThatCannotBeReachedSaysSo() {
        assertRefused(
                        Client.post("/v1/corpora", Map.of("name", "x", "url", "https://no-such-host.invalid/x.txt")),
                        502,
                        "url",
                        "no-such-host.invalid")
                .body("error.code", equalTo("url_unreachable"));
    }

    @Test
    void aTextAboveTheLimitIsRefused() throws Exception {
        String tooLong = "x".repeat(TestHome.MAX_SIZE + 1);
        assertRefused(Client.upload("long", tooLong), 413, "body", TestHome.MAX_SIZE + " bytes");
        assertThat(chunked(tooLong).statusCode()).isEqualTo(413);
        assertThat(chunked(tooLong).body()).contains(TestHome.MAX_SIZE + " bytes");
        Map<String, Object> json = new HashMap<>(Map.of("name", "long", "text", tooLong));
        assertRefused(Client.post("/v1/corpora", json), 413, "body", "max-json-size");
        Client.upload("long", tooLong.substring(1)).statusCode(201);
    }

    @Test
    void anUploadThatBreaksOffLeavesNothing() throws IOException {
        // Given: half a body, part of it on disk already
        byte[] half = "x".repeat(300_000).getBytes(StandardCharsets.US_ASCII);
        String head = "POST /v1/corpora?name=half HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
                + "Content-Length: 600000\r\n\r\n";
        try (Socket client = new Socket("127.0.0.1", port())) {
            client.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
            client.getOutputStream().write(half);
            client.getOutputStream().flush();
            await().until(() -> incoming().anyMatch(file -> file.toFile().length() > 0));

            // When
            client.shutdownOutput();
        }

        // Then
        await().until(() -> incoming().findAny().isEmpty());
    }

    @Test
    void whatIsNotThereIsNotFound() {
        for (String id : List.of("corpus-0", "%00", "..%2f..%2fetc%2fpasswd", "x".repeat(300))) {
            given().urlEncodingEnabled(false)
                    .get("/v1/corpora/" + id)
                    .then()
                    .statusCode(404)
                    .body("error.type", equalTo("invalid_request_error"));
        }
    }

    @Test
    void anEmptyBodyIsRefused() {
        for (String path : List.of("/v1/corpora", "/v1/tokenizers", "/v1/datasets", "/v1/tokenize", "/v1/detokenize")) {
            given().contentType("application/json").post(path).then().statusCode(400);
            given().contentType("application/json")
                    .body("null")
                    .post(path)
                    .then()
                    .statusCode(400)
                    .body("error", hasKey("message"));
            given().contentType("application/json")
                    .body("[1]")
                    .post(path)
                    .then()
                    .statusCode(400);
        }
    }

    /** A body whose length the server learns only as it comes. */
    private static HttpResponse<String> chunked(String text) throws Exception {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + "/v1/corpora?name=long"))
                                .header("Content-Type", "text/plain")
                                .POST(HttpRequest.BodyPublishers.fromPublisher(
                                        HttpRequest.BodyPublishers.ofString(text)))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
    }

    private static int port() {
        return ConfigProvider.getConfig().getValue("quarkus.http.test-port", Integer.class);
    }

    private Stream<Path> incoming() throws IOException {
        try (Stream<Path> files = Files.list(home.corpora())) {
            return files.filter(file -> file.getFileName().toString().startsWith("incoming-")).toList().stream();
        }
    }

    private static ValidatableResponse assertRefused(
            ValidatableResponse response, int status, String param, String message) {
        return response.statusCode(status)
                .body("error.param", equalTo(param), "error.message", containsString(message))
                .body("error.type", equalTo(status < 500 ? "invalid_request_error" : "server_error"));
    }
}
