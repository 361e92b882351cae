package io.bardstream.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bardstream.service.ApiException;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.net.PfxOptions;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Against a server on this machine. Hosts are named by a resolver of the test; of the loopback addresses 127.0.0.1 counts as
 * public, the others as private.
 */
class HttpsDownloadTest {
    private static final Vertx VERTX = Vertx.vertx();
    private static final String PASSWORD = "no-secret";
    private static final int SIZE = 300_000;
    private static final long LIMIT = 1_000_000;

    @TempDir
    private static Path folder;

    private static PfxOptions certificate;
    private static HttpServer server;

    private final Map<String, List<String>> hosts = Map.of(
            "text.example", List.of("127.0.0.1"),
            "other.example", List.of("127.0.0.1"),
            "uncertified.example", List.of("127.0.0.1"),
            "inside.example", List.of("127.0.0.2"),
            "half-inside.example", List.of("127.0.0.1", "127.0.0.2"),
            "second.example", List.of("127.0.0.3", "127.0.0.1"));
    private final List<String> resolved = new ArrayList<>();
    private HttpsDownload download;

    @BeforeAll
    static void serve() throws Exception {
        Path store = folder.resolve("server.p12");
        String keytool =
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        Process process = new ProcessBuilder(
                        keytool,
                        "-genkeypair",
                        "-alias",
                        "server",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=text.example",
                        "-ext",
                        "san=dns:text.example,dns:other.example,dns:inside.example,dns:second.example",
                        "-keystore",
                        store.toString(),
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD)
                .inheritIO()
                .start();
        assertThat(process.waitFor()).isZero();
        certificate = new PfxOptions().setPath(store.toString()).setPassword(PASSWORD);
        server = VERTX.createHttpServer(new HttpServerOptions()
                        .setSsl(true)
                        .setHost("127.0.0.1")
                        .setPort(0)
                        .setKeyCertOptions(certificate))
                .requestHandler(HttpsDownloadTest::answer)
                .listen()
                .toCompletionStage()
                .toCompletableFuture()
                .get();
    }

    @AfterAll
    static void close() {
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    private static void answer(HttpServerRequest request) {
        HttpServerResponse response = request.response();
        Consumer<String> redirect = location ->
                response.setStatusCode(302).putHeader("Location", location).end();
        String port = ":" + server.actualPort();
        switch (request.path()) {
            case "/text" -> response.end("é".repeat(SIZE / 2));
            case "/pieces" -> {
                response.setChunked(true);
                for (int i = 0; i < SIZE / 100; i++) {
                    response.write("0123456789".repeat(10));
                }
                response.end();
            }
            case "/host" -> response.end(request.authority() + " " + request.query());
            case "/hops/1" -> redirect.accept("https://other.example" + port + "/text");
            case "/hops/2", "/hops/3", "/hops/4" ->
                redirect.accept("/hops/" + (Integer.parseInt(request.path().substring(6)) - 1));
            case "/to/http" -> redirect.accept("http://text.example" + port + "/text");
            case "/to/inside" -> redirect.accept("https://inside.example" + port + "/text");
            case "/to/address" -> redirect.accept("https://127.0.0.2" + port + "/text");
            case "/to/user" -> redirect.accept("https://me@text.example" + port + "/text");
            case "/to/file" -> redirect.accept("file:///etc/passwd");
            case "/to/nowhere" -> response.setStatusCode(302).end();
            case "/cut" -> {
                response.putHeader("Content-Length", "100").write("ten bytes.");
                VERTX.runOnContext(later -> request.connection().close());
            }
            case "/large" ->
                response.putHeader("Content-Length", Long.toString(LIMIT + 1)).write("x");
            case "/gzip" -> response.putHeader("Content-Encoding", "gzip").end("x");
            case "/stall" -> response.putHeader("Content-Length", "100").write("ten bytes.");
            case "/silent" -> request.pause();
            default -> response.setStatusCode(404).end("nothing");
        }
    }

    @BeforeEach
    void client() {
        download = new HttpsDownload(
                VERTX.createHttpClient(HttpsDownload.options().setTrustOptions(certificate)),
                this::resolve,
                address -> !address.getHostAddress().equals("127.0.0.2"),
                Duration.ofSeconds(10),
                Duration.ofSeconds(1),
                Duration.ofSeconds(20));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/text", "/pieces", "/hops/1", "/hops/3"})
    void theWholeTextArrives(String path) throws IOException {
        assertThat(get(url("text.example", path)).getBytes(StandardCharsets.UTF_8))
                .hasSize(SIZE);
    }

    @Test
    void theRequestNamesTheHostAndKeepsTheQuery() throws IOException {
        assertThat(get(url("other.example", "/host?a=b%20c&d")))
                .isEqualTo("other.example:" + server.actualPort() + " a=b%20c&d");
    }

    @Test
    void aNameIsResolvedOnceForEachRequest() throws IOException {
        get(url("text.example", "/hops/2"));
        assertThat(resolved).containsExactly("text.example", "text.example", "other.example");
    }

    @Test
    void anotherAddressOfTheHostIsTriedWhereTheFirstDoesNotAnswer() throws IOException {
        assertThat(get(url("second.example", "/text"))).hasSize(SIZE / 2);
    }

    @ParameterizedTest
    @CsvSource({
        "text.example, /to/http, only https",
        "text.example, /to/file, only https",
        "text.example, /to/inside, inside.example has the address 127.0.0.2",
        "text.example, /to/address, 127.0.0.2 has the address 127.0.0.2",
        "text.example, /to/user, user's name",
        "inside.example, /text, inside.example has the address 127.0.0.2",
        "half-inside.example, /text, half-inside.example has the address 127.0.0.2",
    })
    void whatIsNotAllowedIsNotAskedFor(String host, String path, String reason) {
        assertRefused(url(host, path), 400, HttpsDownload.NOT_ALLOWED, reason.replace("''", "'"));
    }

    @ParameterizedTest
    @CsvSource({
        "http://text.example/, only https",
        "ftp://text.example/, only https",
        "text.example/x, only https",
        "https:///x, names no host",
        "https://me:secret@text.example/, a user's name",
        "https://text.example/a b, not a URL",
    })
    void aUrlMustBeHttpsAndWhole(String url, String reason) {
        assertRefused(url, 400, HttpsDownload.NOT_ALLOWED, reason);
        assertThat(resolved).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "text.example, /hops/4, more than 3 times",
        "text.example, /to/nowhere, not where to",
        "text.example, /missing, status 404",
        "text.example, /gzip, compressed",
        "text.example, /cut, cannot be had",
        "text.example, /stall, nothing came for PT1S",
        "text.example, /silent, cannot be had",
        "unknown.example, /text, no host 'unknown.example'",
        "uncertified.example, /text, uncertified.example",
    })
    void whatCannotBeHadIsSaid(String host, String path, String reason) {
        assertRefused(url(host, path), 502, HttpsDownload.UNREACHABLE, reason.replace("''", "'"));
    }

    @Test
    void aPortWhereNobodyListensIsUnreachable() {
        assertRefused("https://text.example:1/", 502, HttpsDownload.UNREACHABLE, "text.example");
    }

    @Test
    void whatIsTooLargeIsRefusedBeforeItComes() {
        assertRefused(url("text.example", "/large"), 413, "too_large", "longer than " + LIMIT);
    }

    private String get(String url) throws IOException {
        try (InputStream text = download.open(url, LIMIT)) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private void assertRefused(String url, int status, String code, String reason) {
        assertThatThrownBy(() -> get(url))
                .isInstanceOfSatisfying(ApiException.class, e -> {
                    assertThat(e.status()).isEqualTo(status);
                    assertThat(e.code()).isEqualTo(code);
                    assertThat(e.param()).isEqualTo("url");
                })
                .hasMessageContaining(reason);
    }

    private static String url(String host, String path) {
        return "https://" + host + ":" + server.actualPort() + path;
    }

    private InetAddress[] resolve(String host) throws UnknownHostException {
        resolved.add(host);
        List<String> addresses = host.startsWith("127.") ? List.of(host) : hosts.get(host);
        if (addresses == null) {
            throw new UnknownHostException(host);
        }
        InetAddress[] all = new InetAddress[addresses.size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = InetAddress.getByAddress(
                    host, InetAddress.getByName(addresses.get(i)).getAddress());
        }
        return all;
    }
}
