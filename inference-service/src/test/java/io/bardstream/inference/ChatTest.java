package io.bardstream.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.tokenizer.ChatFormat;
import io.bardstream.tokenizer.ChatFormat.Message;
import io.bardstream.tokenizer.ChatFormat.Role;
import io.bardstream.tokenizer.SpecialTokens;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Conversations as OpenAI's clients hold them, with a real model of random weights. */
@QuarkusTest
@QuarkusTestResource(value = EmbeddedServices.class, restrictToAnnotatedClass = true)
@QuarkusTestResource(value = TestHome.class, restrictToAnnotatedClass = true)
class ChatTest {
    private static final Duration SOON = Duration.ofMinutes(2);
    private static final String PATH = "/v1/chat/completions";
    private static final ChatFormat FORMAT = ChatFormat.of(Announcer.TOKENIZER).orElseThrow();

    @TestHTTPResource
    URI base;

    @ConfigProperty(name = "bardstream.home")
    Path home;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    private static Checkpoint model;
    private Api api;
    private Announcer announcer;

    @BeforeEach
    void aModelServes() throws IOException {
        api = new Api(base.toString().replaceAll("/$", ""));
        announcer = new Announcer(home, bootstrapServers);
        if (model == null) {
            model = announcer.checkpoint("chat-000001", 1);
            announcer.promote(model);
        }
        await().atMost(SOON).until(() -> api.get("/health").status() == 200);
    }

    @AfterEach
    void close() {
        announcer.close();
    }

    @Test
    void openAisClientChatsAndStreams() {
        OpenAIClient client =
                OpenAIOkHttpClient.builder().baseUrl(base + "v1").apiKey("none").build();
        ChatCompletionCreateParams request = ChatCompletionCreateParams.builder()
                .model("bardstream")
                .addSystemMessage("Be brief.")
                .addUserMessage("Who calls?")
                .addAssistantMessage("I.")
                .addUserMessage("And who art thou?")
                .maxCompletionTokens(12)
                .seed(7)
                .logitBias(neverEnding())
                .build();

        ChatCompletion whole = client.chat().completions().create(request);
        List<ChatCompletionChunk.Choice> chunks;
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(request)) {
            chunks = stream.stream().flatMap(chunk -> chunk.choices().stream()).toList();
        }

        String answer = whole.choices().get(0).message().content().orElseThrow();
        assertThat(answer).isNotEmpty();
        assertThat(whole.id()).startsWith("chatcmpl-");
        assertThat(whole.systemFingerprint()).contains(model.id());
        assertThat(whole.choices().get(0).finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.LENGTH);
        assertThat(whole.usage().orElseThrow().completionTokens()).isEqualTo(12);
        assertThat(whole.usage().orElseThrow().promptTokens())
                .isEqualTo(FORMAT.prompt(List.of(
                                new Message(Role.SYSTEM, "Be brief."),
                                new Message(Role.USER, "Who calls?"),
                                new Message(Role.ASSISTANT, "I."),
                                new Message(Role.USER, "And who art thou?")))
                        .length);
        assertThat(chunks.get(0).delta().role().orElseThrow().asString()).isEqualTo("assistant");
        assertThat(chunks.get(0).delta().content()).contains("");
        assertThat(chunks.stream().skip(1))
                .allMatch(chunk -> chunk.delta().role().isEmpty());
        assertThat(chunks.stream()
                        .flatMap(chunk -> chunk.delta().content().stream())
                        .collect(Collectors.joining()))
                .isEqualTo(answer);
        assertThat(chunks.get(chunks.size() - 1).finishReason()).isPresent();
    }

    @Test
    void anAnswerEndsAtTheEndOfTurn() {
        Map<String, Object> certain = Map.of(String.valueOf(FORMAT.endOfTurn()), 100);

        JsonNode answer = chat("user", "Hush.", "logit_bias", certain).json();

        assertThat(answer.at("/choices/0/message/content").asText()).isEmpty();
        assertThat(answer.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
        assertThat(answer.at("/usage/completion_tokens").asInt()).isEqualTo(1);
    }

    @Test
    void withoutALimitTheContextIsTheLimit() {
        String almost = "x".repeat(2_000);
        int prompt = FORMAT.prompt(List.of(new Message(Role.USER, almost))).length;
        JsonNode answer = chat("user", almost, "logit_bias", Api.NEVER_ENDING).json();

        assertThat(answer.at("/choices/0/finish_reason").asText()).isEqualTo("length");
        assertThat(answer.at("/usage/total_tokens").asInt())
                .isBetween(Announcer.CONTEXT, Announcer.CONTEXT + 1)
                .isGreaterThan(prompt);
    }

    @Test
    void whatDoesNotFitIsRefusedByHowMuch() {
        String tooLong = "x".repeat(3_000);
        int prompt = FORMAT.prompt(List.of(new Message(Role.USER, tooLong))).length;

        Api.Answer answer = chat("user", tooLong);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().at("/error/param").asText()).isEqualTo("messages");
        assertThat(answer.json().at("/error/code").asText()).isEqualTo("context_length_exceeded");
        assertThat(answer.json().at("/error/message").asText())
                .contains(prompt + " tokens", (prompt - Announcer.CONTEXT + 1) + " too many");
    }

    @Test
    void whatAPersonWritesIsNeverASpecialToken() {
        int prompt = chat("user", SpecialTokens.END_OF_TURN + SpecialTokens.SYSTEM, "max_tokens", 1)
                .json()
                .at("/usage/prompt_tokens")
                .asInt();

        assertThat(prompt).isGreaterThan(10); // user, end of turn, assistant, and the letters
    }

    @Test
    void logprobsAreListedTokenByToken() {
        JsonNode choice = chat(
                        "user",
                        "Speak.",
                        "max_tokens",
                        3,
                        "logprobs",
                        true,
                        "top_logprobs",
                        2,
                        "logit_bias",
                        Api.NEVER_ENDING)
                .json()
                .at("/choices/0");

        assertThat(choice.at("/logprobs/content")).hasSize(3);
        JsonNode token = choice.at("/logprobs/content/0");
        assertThat(token.at("/logprob").asDouble()).isNegative();
        assertThat(token.at("/bytes").get(0).asInt()).isBetween(0, 255);
        assertThat(token.at("/top_logprobs")).hasSize(2);
    }

    @Test
    void contentMayComeInPartsAndDevelopersAreTheSystem() {
        JsonNode parts = send(Map.of(
                        "messages",
                        List.of(
                                Map.of("role", "developer", "content", "Be brief."),
                                Map.of(
                                        "role",
                                        "user",
                                        "content",
                                        List.of(
                                                Map.of("type", "text", "text", "Who "),
                                                Map.of("type", "text", "text", "calls?")))),
                        "max_tokens",
                        1))
                .json();

        assertThat(parts.at("/usage/prompt_tokens").asInt())
                .isEqualTo(FORMAT.prompt(
                                List.of(new Message(Role.SYSTEM, "Be brief."), new Message(Role.USER, "Who calls?")))
                        .length);
    }

    @Test
    void aModelThatHasOnlyReadTextDoesNotChat() throws IOException {
        Checkpoint pretrained = announcer.pretrained("pretrain-000001", 2);
        await().atMost(SOON)
                .until(() -> api.get("/v1/models/" + pretrained.id()).status() == 200);

        Api.Answer answer = chat("user", "Who calls?", "model", pretrained.id());

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().at("/error/code").asText()).isEqualTo("not_tuned");
        assertThat(answer.json().at("/error/param").asText()).isEqualTo("model");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {}                                                                       | messages
                    {"messages":"hello"}                                                     | messages
                    {"messages":[]}                                                          | messages
                    {"messages":["hello"]}                                                   | messages[0]
                    {"messages":[{"role":"king","content":"a"}]}                             | messages[0].role
                    {"messages":[{"role":"user","content":""}]}                              | messages[0].content
                    {"messages":[{"role":"user","content":7}]}                               | messages[0].content
                    {"messages":[{"role":"user","content":[{"type":"image_url"}]}]}          | messages[0].content
                    {"messages":[{"role":"user","content":"a\\ud800"}]}                      | messages[0].content
                    {"messages":[{"role":"user","content":"a","tool_calls":[]}]}             | messages[0].tool_calls
                    {"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]} | messages[1].role
                    {"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]} | messages
                    {"messages":[{"role":"user","content":"a"}],"tools":[]}                  | tools
                    {"messages":[{"role":"user","content":"a"}],"max_tokens":0}              | max_tokens
                    {"messages":[{"role":"user","content":"a"}],"top_logprobs":2}            | top_logprobs
                    {"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_object"}} | response_format
                    {"messages":[{"role":"user","content":"a"}],"prompt":"b"}                | prompt
                    """)
    void whatIsWrongIsRefusedByName(String body, String param) {
        Api.Answer answer = api.post(PATH, body);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().at("/error/param").asText()).isEqualTo(param);
    }

    private static ChatCompletionCreateParams.LogitBias neverEnding() {
        ChatCompletionCreateParams.LogitBias.Builder bias = ChatCompletionCreateParams.LogitBias.builder();
        Api.NEVER_ENDING.forEach((token, weight) -> bias.putAdditionalProperty(token, JsonValue.from(weight)));
        return bias.build();
    }

    private Api.Answer chat(String role, String content, Object... fields) {
        Map<String, Object> body = new HashMap<>();
        body.put("messages", List.of(Map.of("role", role, "content", content)));
        for (int i = 0; i < fields.length; i += 2) {
            body.put(fields[i].toString(), fields[i + 1]);
        }
        return send(body);
    }

    private Api.Answer send(Map<String, ?> body) {
        try {
            return api.post(PATH, new ObjectMapper().writeValueAsString(body));
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }
}
