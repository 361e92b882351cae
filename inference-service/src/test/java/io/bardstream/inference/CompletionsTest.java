package io.bardstream.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.models.Model;
import io.bardstream.checkpoint.CheckpointFolder;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.EventJson;
import io.bardstream.event.Generation;
import io.bardstream.event.Topics;
import io.bardstream.service.HttpGenerations;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusMock;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The service as its clients see it, on a real model of random weights, a real broker and real sockets. */
@QuarkusTest
@QuarkusTestResource(value = EmbeddedServices.class, restrictToAnnotatedClass = true)
@QuarkusTestResource(value = TestHome.class, restrictToAnnotatedClass = true)
class CompletionsTest {
    private static final Duration SOON = Duration.ofMinutes(2);

    @TestHTTPResource
    URI base;

    @ConfigProperty(name = "bardstream.home")
    Path home;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    @Inject
    MeterRegistry metrics;

    private static Checkpoint first;

    @Inject
    HttpGenerations kept;

    private Api api;
    private Announcer announcer;

    @BeforeEach
    void aPolicyServes() throws IOException {
        api = new Api(base.toString().replaceAll("/$", ""));
        announcer = new Announcer(home, bootstrapServers);
        if (first == null) {
            first = announcer.checkpoint("first-000001", 1);
        }
        serve(first);
    }

    @AfterEach
    void close() {
        announcer.close();
    }

    private void serve(Checkpoint checkpoint) {
        announcer.promote(checkpoint);
        await().atMost(SOON)
                .until(() -> api.get("/health").status() == 200
                        && checkpoint
                                .id()
                                .equals(api.get("/health")
                                        .json()
                                        .path("checkpoint")
                                        .textValue()));
    }

    @Test
    void openAisClientListsModelsCompletesAndStreams() {
        OpenAIClient client =
                OpenAIOkHttpClient.builder().baseUrl(base + "v1").apiKey("none").build();
        CompletionCreateParams request = CompletionCreateParams.builder()
                .model("bardstream")
                .prompt("ROMEO:")
                .maxTokens(12)
                .temperature(0.7)
                .seed(7)
                .build();

        List<String> models =
                client.models().list().data().stream().map(Model::id).toList();
        Completion completion = client.completions().create(request);
        String streamed;
        try (StreamResponse<Completion> stream = client.completions().createStreaming(request)) {
            streamed = stream.stream()
                    .flatMap(chunk -> chunk.choices().stream())
                    .map(choice -> choice.text())
                    .collect(Collectors.joining());
        }

        assertThat(models).contains("bardstream", first.id());
        assertThat(client.models().retrieve(first.id()).ownedBy()).isEqualTo("bardstream");
        assertThat(completion.systemFingerprint()).contains(first.id());
        assertThat(completion.usage().orElseThrow().completionTokens()).isBetween(1L, 12L);
        assertThat(streamed).isNotEmpty().isEqualTo(completion.choices().get(0).text());
    }

    @Test
    void twoEqualSeededRequestsAnswerEquallyWhileEightOthersRun() throws Exception {
        String alone = api.complete("seed", 11, "max_tokens", 60).text();
        ExecutorService pool = Executors.newFixedThreadPool(10);
        AtomicBoolean enough = new AtomicBoolean();

        List<Future<?>> others = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            int seed = 100 + i;
            others.add(pool.submit(() -> {
                while (!enough.get()) {
                    assertThat(api.complete("seed", seed, "max_tokens", 40 + seed, "prompt", "x".repeat(seed))
                                    .status())
                            .isEqualTo(200);
                }
            }));
        }
        await().atMost(SOON)
                .until(() ->
                        metrics.get("bardstream.inference.slots.active").gauge().value() == 8);
        List<Future<String>> pair = List.of(
                pool.submit(() -> api.complete("seed", 11, "max_tokens", 60).text()),
                pool.submit(() -> api.complete("seed", 11, "max_tokens", 60).text()));

        for (Future<String> answer : pair) {
            assertThat(answer.get()).isEqualTo(alone);
        }
        enough.set(true);
        for (Future<?> other : others) {
            other.get();
        }
        pool.shutdown();
    }

    @Test
    void aNewPolicyTakesOverUnderLoadWithoutDroppingARequest() throws Exception {
        Checkpoint second = announcer.checkpoint("second-000002", 2);
        String byFirst = api.complete("seed", 5, "max_tokens", 200).text();
        ExecutorService pool = Executors.newFixedThreadPool(6);
        Map<String, Set<String>> answers = new ConcurrentHashMap<>();
        AtomicBoolean enough = new AtomicBoolean();
        List<Future<?>> clients = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            clients.add(pool.submit(() -> {
                while (!enough.get()) {
                    Api.Answer answer = api.complete("seed", 5, "max_tokens", 200);
                    assertThat(answer.status()).isEqualTo(200);
                    answers.computeIfAbsent(
                                    answer.json().path("system_fingerprint").textValue(),
                                    id -> ConcurrentHashMap.newKeySet())
                            .add(answer.text());
                }
            }));
        }
        await().atMost(SOON).until(() -> answers.containsKey(first.id()));

        announcer.promote(second);

        await().atMost(SOON).until(() -> answers.containsKey(second.id()));
        enough.set(true);
        for (Future<?> client : clients) {
            client.get();
        }
        pool.shutdown();
        assertThat(answers.get(first.id())).containsExactly(byFirst);
        assertThat(answers.get(second.id())).hasSize(1).doesNotContain(byFirst);
        await().atMost(SOON)
                .until(() -> metrics.get("bardstream.inference.models").gauge().value() == 1);
        assertThat(api.complete("seed", 5, "max_tokens", 200, "model", first.id())
                        .text())
                .isEqualTo(byFirst);
    }

    @Test
    void aClientThatGoesAwayFreesItsSlotAtOnce() throws Exception {
        String body = Api.body("max_tokens", 100_000, "stream", true, "seed", 3, "prompt", "gone");
        try (Socket socket = new Socket(base.getHost(), base.getPort())) {
            send(socket, body);
            InputStream in = socket.getInputStream();
            StringBuilder seen = new StringBuilder();
            while (!seen.toString().contains("data: ")) {
                seen.append((char) in.read());
            }
        }

        Generation generation = await().atMost(SOON)
                .until(
                        () -> generations().stream()
                                .filter(one -> one.prompt().equals("gone"))
                                .findFirst()
                                .orElse(null),
                        one -> one != null);

        assertThat(generation.finishReason()).isEqualTo("cancelled");
        await().atMost(SOON)
                .until(() ->
                        metrics.get("bardstream.inference.slots.active").gauge().value() == 0);
    }

    @Test
    void aClientThatWaitsForAWholeAnswerFreesItsSlotsTooWhenItGoes() throws Exception {
        try (Socket socket = new Socket(base.getHost(), base.getPort())) {
            send(socket, Api.body("max_tokens", 100_000, "n", 20, "prompt", "gone whole"));
            await().atMost(SOON)
                    .until(() ->
                            metrics.get("bardstream.inference.queue").gauge().value() == 12);
        }

        await().atMost(SOON)
                .until(() -> metrics.get("bardstream.inference.queue").gauge().value() == 0
                        && metrics.get("bardstream.inference.slots.active")
                                        .gauge()
                                        .value()
                                == 0);
        await().atMost(SOON)
                .until(() -> generations().stream()
                                .filter(one -> one.prompt().equals("gone whole")
                                        && one.finishReason().equals("cancelled"))
                                .count()
                        == 20);
    }

    private static void send(Socket socket, String body) throws IOException {
        String head =
                "POST /v1/completions HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: "
                        + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n";
        socket.getOutputStream().write((head + body).getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void aFullQueueIsA429ThatSaysWhenToComeBack() throws Exception {
        try (Socket socket = new Socket(base.getHost(), base.getPort())) {
            send(socket, Api.body("max_tokens", 100_000, "n", 60));
            await().atMost(SOON)
                    .until(() ->
                            metrics.get("bardstream.inference.queue").gauge().value() == 52);

            Api.Answer answer = api.complete("n", 13);

            assertThat(answer.status()).isEqualTo(429);
            assertThat(answer.response().headers().firstValue("Retry-After")).contains("1");
            assertThat(answer.json().at("/error/message").textValue())
                    .isEqualTo("52 completions wait already and 13 more do not fit a queue of 64; ask again shortly.");
        }
        await().atMost(SOON).until(() -> api.complete("n", 13).status() == 200);
    }

    @Test
    void streamingFramesJoinToTheWholeAnswer() {
        Api.Answer whole = api.complete("seed", 21, "n", 2, "echo", true);
        Api.Answer stream = api.complete(
                "seed", 21, "n", 2, "echo", true, "stream", true, "stream_options", Map.of("include_usage", true));

        assertThat(stream.response().headers().firstValue("Content-Type")).contains("text/event-stream");
        assertThat(stream.response().body()).startsWith("data: {").endsWith("\n\ndata: [DONE]\n\n");
        List<JsonNode> chunks = stream.chunks();
        for (int choice = 0; choice < 2; choice++) {
            int index = choice;
            List<JsonNode> deltas = chunks.stream()
                    .flatMap(chunk -> Stream.of(chunk.path("choices")))
                    .filter(choices -> choices.path(0).path("index").asInt(-1) == index)
                    .map(choices -> choices.path(0))
                    .toList();
            assertThat(deltas.stream()
                            .map(delta -> delta.path("text").textValue())
                            .collect(Collectors.joining()))
                    .startsWith("ROMEO:")
                    .isEqualTo(whole.json().at("/choices/" + index + "/text").textValue());
            assertThat(deltas.get(deltas.size() - 1).path("finish_reason").textValue())
                    .isEqualTo("length");
            assertThat(deltas.get(0).has("finish_reason")).isTrue();
            assertThat(deltas.get(0).path("finish_reason").isNull()).isTrue();
        }
        JsonNode usage = chunks.get(chunks.size() - 1);
        assertThat(usage.path("choices")).isEmpty();
        assertThat(usage.path("usage")).isEqualTo(whole.json().path("usage"));
        assertThat(usage.at("/usage/completion_tokens").intValue()).isEqualTo(40);
    }

    @Test
    void noHalfCharacterLeavesInAStream() {
        for (int seed = 0; seed < 5; seed++) {
            String whole = api.complete("seed", seed, "max_tokens", 100).text();
            Api.Answer stream = api.complete("seed", seed, "max_tokens", 100, "stream", true);

            List<String> pieces = stream.chunks().stream()
                    .map(chunk -> chunk.at("/choices/0/text").textValue())
                    .toList();

            assertThat(String.join("", pieces)).isEqualTo(whole);
            assertThat(pieces)
                    .allMatch(piece -> StandardCharsets.UTF_8.newEncoder().canEncode(piece));
        }
    }

    @Test
    void aStopStringEndsTheTextBeforeItWhereverTokensEnd() {
        String text = api.complete("seed", 31, "max_tokens", 60).text();
        Matcher whole = Pattern.compile("[^\uFFFD]{5}").matcher(text); // stop strings are matched in bytes
        assertThat(whole.find(5)).isTrue();
        String stop = whole.group();

        Api.Answer stopped = api.complete("seed", 31, "max_tokens", 60, "stop", stop);
        Api.Answer streamed =
                api.complete("seed", 31, "max_tokens", 60, "stop", List.of("\u0000 never", stop), "stream", true);

        assertThat(stopped.text()).isEqualTo(text.substring(0, text.indexOf(stop)));
        assertThat(stopped.json().at("/choices/0/finish_reason").textValue()).isEqualTo("stop");
        assertThat(streamed.chunks().stream()
                        .map(chunk -> chunk.at("/choices/0/text").textValue())
                        .collect(Collectors.joining()))
                .isEqualTo(stopped.text());
    }

    @Test
    void theEndOfATextIsNotText() {
        String endOfText = Integer.toString(Announcer.TOKENIZER.endOfText());

        Api.Answer answer = api.complete("logit_bias", Map.of(endOfText, 100));

        assertThat(answer.text()).isEmpty();
        assertThat(answer.json().at("/choices/0/finish_reason").textValue()).isEqualTo("stop");
        assertThat(answer.json().at("/usage/completion_tokens").intValue()).isEqualTo(1);
    }

    @Test
    void aSpecialTokenThatIsDrawnShowsNoText() {
        String pad =
                Integer.toString(Announcer.TOKENIZER.specialToken("<|pad|>").orElseThrow());

        Api.Answer answer = api.complete("logit_bias", Map.of(pad, 100));

        assertThat(answer.text()).isEmpty();
        assertThat(answer.json().at("/usage/completion_tokens").intValue()).isEqualTo(20);
    }

    @Test
    void textThatLooksLikeASpecialTokenIsText() {
        Api.Answer answer = api.complete("prompt", "<|endoftext|>", "echo", true, "max_tokens", 0);

        assertThat(answer.text()).isEqualTo("<|endoftext|>");
        assertThat(answer.json().at("/usage/prompt_tokens").intValue()).isGreaterThan(5);
    }

    @Test
    void generationStopsAtTheEndOfTheContext() {
        int[] prompt =
                IntStream.range(0, Announcer.CONTEXT - 3).map(i -> i % 250).toArray();

        Api.Answer answer = api.complete("prompt", prompt, "max_tokens", 10);

        assertThat(answer.json().at("/choices/0/finish_reason").textValue()).isEqualTo("length");
        assertThat(answer.json().at("/usage/completion_tokens").intValue()).isEqualTo(3);
    }

    @Test
    void aPromptThatDoesNotFitSaysByHowMuch() {
        Api.Answer answer = api.complete("prompt", new int[Announcer.CONTEXT + 9]);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().at("/error/message").textValue())
                .isEqualTo(
                        "prompt: has 2057 tokens; the model's context holds 2048, one of them for the completion: 10 too many");
        assertThat(answer.json().at("/error/param").textValue()).isEqualTo("prompt");
    }

    @Test
    void promptsComeAsTextsOrTokens() {
        int[] romeo = Announcer.TOKENIZER.encode("ROMEO:");
        int[] juliet = Announcer.TOKENIZER.encode("Juliet");
        String expected = api.complete("seed", 41).text();
        String other = api.complete("seed", 41, "prompt", "Juliet").text();

        Api.Answer texts = api.complete("seed", 41, "prompt", List.of("ROMEO:", "Juliet"));
        Api.Answer tokens = api.complete("seed", 41, "prompt", romeo);
        Api.Answer lists = api.complete("seed", 41, "prompt", List.of(romeo, juliet), "n", 2);

        assertThat(tokens.text()).isEqualTo(expected);
        assertThat(texts.json().path("choices").findValuesAsText("text")).containsExactly(expected, other);
        assertThat(lists.json().path("choices").findValuesAsText("text"))
                .hasSize(4)
                .containsSubsequence(expected, other);
        assertThat(lists.json().at("/usage/prompt_tokens").intValue()).isEqualTo(romeo.length + juliet.length);
    }

    @Test
    void everyFurtherChoiceIsTheOneOfTheNextSeed() {
        List<String> choices =
                api.complete("seed", 50, "n", 3).json().path("choices").findValuesAsText("text");

        assertThat(choices)
                .containsExactly(
                        api.complete("seed", 50).text(),
                        api.complete("seed", 51).text(),
                        api.complete("seed", 52).text())
                .doesNotHaveDuplicates();
    }

    @Test
    void logprobsLineUpWithTheText() {
        Api.Answer answer = api.complete("prompt", "But soft", "logprobs", 3, "echo", true, "seed", 61);

        JsonNode logprobs = answer.json().at("/choices/0/logprobs");
        int tokens = Announcer.TOKENIZER.encode("But soft").length + 20;
        assertThat(logprobs.path("tokens")).hasSize(tokens);
        assertThat(logprobs.path("token_logprobs")).hasSize(tokens);
        assertThat(logprobs.path("top_logprobs")).hasSize(tokens);
        assertThat(logprobs.path("text_offset")).hasSize(tokens);
        assertThat(logprobs.at("/token_logprobs/0").isNull()).isTrue();
        assertThat(logprobs.at("/token_logprobs/1").doubleValue()).isLessThan(0);
        assertThat(logprobs.at("/top_logprobs/1").size()).isBetween(1, 3);
        assertThat(answer.text().substring(logprobs.at("/text_offset/1").intValue()))
                .startsWith(logprobs.at("/tokens/1").textValue());
        assertThat(answer.json().at("/choices/0/text").textValue())
                .startsWith("But soft")
                .endsWith(api.complete("prompt", "But soft", "seed", 61).text());
    }

    @Test
    void greedyTakesTheTokenOfHighestLogprob() {
        JsonNode logprobs = api.complete("temperature", 0, "logprobs", 1).json().at("/choices/0/logprobs");

        for (int i = 0; i < 20; i++) {
            double likeliest =
                    logprobs.path("top_logprobs").path(i).elements().next().doubleValue();
            assertThat(logprobs.path("token_logprobs").path(i).doubleValue()).isCloseTo(likeliest, within(1e-9));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"prompt":5}                                        | prompt             | prompt: is the number 5; expected a text, token ids, or a list of either
            {}                                                  | prompt             | prompt: is missing
            {"prompt":[]}                                       | prompt             | prompt: is an empty list
            {"prompt":["a",[1]]}                                | prompt             | prompt: mixes kinds; expected all texts or all lists of token ids
            {"prompt":[1,2.5]}                                  | prompt             | prompt: holds the number 2.5 among token ids
            {"prompt":[1,300]}                                  | prompt             | prompt: token 300 is not in the vocabulary, whose ids are 0 to 286
            {"prompt":"a","temperature":"hot"}                  | temperature        | temperature: is a text; expected a number
            {"prompt":"a","temperature":-1}                     | temperature        | temperature: -1.0; expected a number from 0 to 2
            {"prompt":"a","top_p":1.5}                          | top_p              | top_p: 1.5; expected a number from 0 to 1
            {"prompt":"a","max_tokens":1.5}                     | max_tokens         | max_tokens: is the number 1.5; expected a whole number
            {"prompt":"a","max_tokens":-1}                      | max_tokens         | max_tokens: -1; expected 0 to 1000000
            {"prompt":"a","n":0}                                | n                  | n: 0; expected 1 to 128
            {"prompt":"a","n":100}                              | n                  | n: 1 prompts with 100 completions each; this server takes at most 64 completions in one request
            {"prompt":"a","seed":1e40}                          | seed               | seed: is the number 1.0E40; expected a whole number
            {"prompt":"a","stop":[""]}                          | stop               | stop: holds a text of 0 characters; expected 1 to 1000
            {"prompt":"a","stream":"yes"}                       | stream             | stream: is a text; expected true or false
            {"prompt":"a","logit_bias":{"x":1}}                 | logit_bias         | logit_bias: 'x' is not a token id
            {"prompt":"a","logit_bias":{"300":1}}               | logit_bias         | logit_bias: names token 300; the vocabulary's last id is 286
            {"prompt":"a","best_of":3}                          | best_of            | best_of: only 1 (n) is served: every completion is returned
            {"prompt":"a","suffix":"b"}                         | suffix             | suffix: is not served: this model only continues a text
            {"prompt":"a","promt":"b"}                          | promt              | promt: is not a field of this request
            {"prompt":"a","stream_options":{"x":1}}             | x                  | x: is not a field of this request
            [1]                                                 | body               | body: is a list; expected a JSON object
            """)
    void aWrongRequestNamesItsField(String body, String param, String message) {
        Api.Answer answer = api.post(body);

        assertThat(answer.status()).isEqualTo(400);
        JsonNode error = answer.json().path("error");
        assertThat(error.path("message").textValue()).isEqualTo(message);
        assertThat(error.path("param").textValue()).isEqualTo(param);
        assertThat(error.path("type").textValue()).isEqualTo("invalid_request_error");
        assertThat(error.has("code")).isTrue();
    }

    @Test
    void malformedJsonAnUnknownModelAWrongTypeAndAWrongMethodAreAnsweredInOpenAisShape() {
        URI path = base.resolve("/v1/completions");

        assertThat(api.post("{\"prompt\":").status()).isEqualTo(400);
        assertThat(api.post("").status()).isEqualTo(400);
        Api.Answer unknown = api.complete("model", "gpt-5");
        assertThat(unknown.status()).isEqualTo(404);
        assertThat(unknown.json().at("/error/code").textValue()).isEqualTo("model_not_found");
        assertThat(api.get("/v1/models/gpt-5").status()).isEqualTo(404);
        assertThat(api.get("/v1/completions").status()).isEqualTo(405);
        assertThat(api.send(HttpRequest.newBuilder(path)
                                .header("Content-Type", "text/plain")
                                .POST(HttpRequest.BodyPublishers.ofString("{}"))
                                .build())
                        .status())
                .isEqualTo(415);
        Api.Answer large = api.complete("prompt", "x".repeat(1 << 20));
        assertThat(large.status()).isEqualTo(413);
        assertThat(large.json().at("/error/message").textValue()).contains("1048576 bytes");
    }

    @Test
    void aCheckpointThatIsDamagedOrMissingLeavesTheOldOneServing() throws IOException {
        Checkpoint damaged = announcer.checkpoint("damaged-000003", 3);
        Files.write(
                home.resolve("checkpoints").resolve(damaged.path()).resolve("model.safetensors"), new byte[] {1, 2, 3});
        Checkpoint missing = announcer.announce("missing-000004", "run/missing-000004", "0".repeat(64));
        double failures =
                metrics.get("bardstream.inference.load.failures").counter().count();

        announcer.promote(damaged);
        await().atMost(SOON).until(() -> failures() == failures + 1);
        announcer.promote(missing);
        await().atMost(SOON).until(() -> failures() == failures + 2);

        assertThat(api.complete().json().path("system_fingerprint").textValue()).isEqualTo(first.id());
        assertThat(api.complete("model", missing.id()).status()).isEqualTo(404);
        assertThat(api.complete("model", damaged.id()).status()).isEqualTo(503);
    }

    @Test
    void otherCheckpointsAreLoadedOnDemandAndOnlySoManyAreKept() throws IOException {
        List<Checkpoint> others = new ArrayList<>();
        for (int i = 5; i < 9; i++) {
            others.add(announcer.checkpoint("other-00000" + i, i));
        }
        await().atMost(SOON)
                .until(() -> api.get("/v1/models/" + others.get(3).id()).status() == 200);

        for (int round = 0; round < 2; round++) {
            for (Checkpoint other : others) {
                Api.Answer answer = api.complete("model", other.id());

                assertThat(answer.status()).isEqualTo(200);
                assertThat(answer.json().path("system_fingerprint").textValue()).isEqualTo(other.id());
                assertThat(metrics.get("bardstream.inference.models").gauge().value())
                        .isLessThanOrEqualTo(2);
            }
        }
        assertThat(api.complete().json().path("system_fingerprint").textValue()).isEqualTo(first.id());
    }

    @Test
    void aPromotionThatComesBeforeItsCheckpointTakesEffectWhenThatComes() throws IOException {
        CheckpointFolder folder = announcer.write("early-000009", 9);
        announcer.promote(Announcer.event("early-000009", folder.path(), folder.sha256()));
        announcer.promote(Announcer.event("early-000009", folder.path(), folder.sha256()));

        Checkpoint early = announcer.announce("early-000009", folder.path(), folder.sha256());
        announcer.announce("early-000009", folder.path(), folder.sha256());

        await().atMost(SOON).until(() -> early.id()
                .equals(api.get("/health").json().path("checkpoint").textValue()));
    }

    @Test
    void recordsThatAreNoEventsGoToTheDeadLettersAndDoNoHarm() throws IOException {
        announcer.sendBytes("checkpoints", "poison", "{".getBytes(StandardCharsets.UTF_8));
        announcer.sendBytes("promotions", "poison", "{\"model\":\"bardstream\"}".getBytes(StandardCharsets.UTF_8));
        announcer.sendBytes("checkpoints", "gone", null);

        serve(announcer.checkpoint("after-000010", 10));

        assertThat(values("checkpoints.dlq", 1)).contains("{");
        assertThat(values("promotions.dlq", 1)).contains("{\"model\":\"bardstream\"}");
        assertThat(api.get("/q/health/ready").status()).isEqualTo(200);
    }

    private double failures() {
        return metrics.get("bardstream.inference.load.failures").counter().count();
    }

    @Test
    void everyGenerationIsPublishedWithWhatIsNeededToRepeatIt() {
        Api.Answer answer =
                api.complete("prompt", "published", "n", 2, "temperature", 0.9, "top_k", 50, "stop", List.of("zzz"));
        String id = answer.json().path("id").textValue();

        List<Generation> published = await().atMost(SOON)
                .until(
                        () -> generations().stream()
                                .filter(one -> one.requestId().equals(id))
                                .sorted((a, b) -> a.id().compareTo(b.id()))
                                .toList(),
                        list -> list.size() == 2);

        assertThat(published).extracting(Generation::id).containsExactly(id, id + "-1");
        assertThat(published.get(1).text())
                .isEqualTo(answer.json().at("/choices/1/text").textValue());
        assertThat(published.get(1).checkpointSha256()).isEqualTo(first.sha256());
        assertThat(published.get(1).tokenizerSha256()).isEqualTo(Announcer.TOKENIZER.sha256());
        assertThat(published.get(1).sampling())
                .containsEntry("temperature", 0.9)
                .containsEntry("top_k", 50)
                .containsEntry("max_tokens", 20);
        assertThat(api.complete(
                                "prompt",
                                "published",
                                "temperature",
                                0.9,
                                "top_k",
                                50,
                                "seed",
                                published.get(1).seed())
                        .text())
                .isEqualTo(published.get(1).text());
    }

    @Test
    void whereNothingIsToBeKeptNothingIsPublished() {
        // Given
        HttpGenerations before = new HttpGenerations(kept.time());
        String unkept;
        try {
            QuarkusMock.installMockForType(new HttpGenerations(Duration.ZERO), HttpGenerations.class);
            unkept = api.complete("prompt", "forget me").json().path("id").textValue();
        } finally {
            QuarkusMock.installMockForType(before, HttpGenerations.class);
        }

        // When
        String next = api.complete("prompt", "keep me").json().path("id").textValue();

        // Then
        await().atMost(SOON)
                .until(() -> generations().stream().anyMatch(one -> one.id().equals(next)));
        assertThat(generations()).extracting(Generation::id).doesNotContain(unkept);
    }

    private List<Generation> generations() {
        return values(Topics.GENERATIONS.name(), Topics.GENERATIONS.partitions()).stream()
                .map(value -> EventJson.read(value.getBytes(StandardCharsets.UTF_8), Generation.class))
                .toList();
    }

    /** Everything on a topic by now. */
    private List<String> values(String topic, int partitionCount) {
        List<TopicPartition> partitions = IntStream.range(0, partitionCount)
                .mapToObj(partition -> new TopicPartition(topic, partition))
                .toList();
        try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", bootstrapServers), new StringDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            List<String> found = new ArrayList<>();
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                consumer.poll(Duration.ofMillis(100))
                        .forEach(message -> found.add(new String(message.value(), StandardCharsets.UTF_8)));
            }
            return found;
        }
    }

    @Test
    void metricsAreThereForPrometheus() {
        api.complete();

        assertThat(api.get("/q/metrics").response().body())
                .contains(
                        "bardstream_inference_requests_total{status=\"200\"",
                        "bardstream_inference_tokens_total{kind=\"completion\"",
                        "bardstream_inference_first_token_seconds_count",
                        "bardstream_inference_tokens_per_second",
                        "bardstream_inference_generations_dropped_total");
        assertThat(api.get("/q/health/ready").status()).isEqualTo(200);
        assertThat(api.get("/q/openapi").response().body()).contains("/v1/completions", "/v1/models");
    }
}
