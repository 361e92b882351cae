package io.bardstream.inference;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.checkpoint.CheckpointFolder;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.sample.Sampler;
import io.bardstream.sample.SamplingParameters;
import io.bardstream.sample.TextStream;
import io.bardstream.sample.TokenLogprobs;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who sits in the slots of a model: what the topic asks for is behind what people ask for over HTTP. */
class ModelTurnsTest {
    private static final int SLOTS = 2;
    private static final int[] PROMPT = Announcer.TOKENIZER.encode("ROMEO:");

    /** Else a model of random weights may end a text by chance. */
    private static final SamplingParameters NEVER_ENDING = new SamplingParameters(
            1,
            1,
            0,
            0,
            0,
            0,
            1,
            Api.NEVER_ENDING.entrySet().stream()
                    .collect(Collectors.toMap(entry -> Integer.valueOf(entry.getKey()), entry -> entry.getValue()
                            .doubleValue())));

    @TempDir
    Path home;

    private final List<String> ended = new ArrayList<>();
    private Compute compute;
    private LoadedModel model;
    private ModelTurns turns;

    @BeforeEach
    void load() throws Exception {
        CheckpointFolder folder = Announcer.write(home, "policy", 1);
        compute = Compute.open(Precision.FLOAT32, 1);
        model = LoadedModel.load(
                Announcer.event("policy", folder.path(), folder.sha256()),
                home.resolve("checkpoints").resolve(folder.path()),
                compute,
                SLOTS,
                () -> {});
        InferenceSettings settings = new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(InferenceSettings.class)
                .build()
                .getConfigMapping(InferenceSettings.class);
        turns = new ModelTurns(model, new InferenceMetrics(new SimpleMeterRegistry(), settings), () -> {});
    }

    @AfterEach
    void close() {
        model.retire();
        compute.close();
    }

    @Test
    void whoCameEarlierInTheBackgroundIsSeatedAfterAllWhoAskOverHttp() {
        // Given
        background("b1", 2);
        background("b2", 2);
        http("h1", 2);
        http("h2", 2);
        http("h3", 2);
        http("h4", 2);

        // When
        while (!turns.idle()) {
            turns.take();
        }

        // Then
        assertThat(ended.subList(0, 4)).containsExactlyInAnyOrder("h1", "h2", "h3", "h4");
        assertThat(ended).endsWith("b1", "b2").hasSize(6);
    }

    @Test
    void whoAsksOverHttpFindsASlotThatTheBackgroundLeavesFree() {
        // Given: two in the background, one of which sits
        background("b1", 40);
        background("b2", 40);
        for (int turn = 0; turn < 5; turn++) {
            assertThat(turns.take()).isEqualTo(1);
        }

        // When
        http("h1", 2);
        while (!turns.idle()) {
            turns.take();
        }

        // Then
        assertThat(ended).containsExactly("h1", "b1", "b2");
    }

    private void background(String name, int tokens) {
        assertThat(model.lease()).isTrue();
        turns.add(Sequence.inBackground(model, PROMPT, tokens, sampler(), new TextStream(List.of()), new Noted(name)));
    }

    private void http(String name, int tokens) {
        assertThat(model.lease()).isTrue();
        turns.add(new Sequence(
                model,
                PROMPT,
                tokens,
                sampler(),
                new TextStream(List.of()),
                OptionalInt.empty(),
                false,
                new Noted(name)));
    }

    private static Sampler sampler() {
        return new Sampler(NEVER_ENDING, Announcer.TOKENIZER.vocabularySize(), 1, 0);
    }

    /** Notes whose text has ended. */
    private final class Noted implements Sequence.Listener {
        private final String name;

        Noted(String name) {
            this.name = name;
        }

        @Override
        public void prompt(List<TokenLogprobs> logprobs) {}

        @Override
        public void token(int token, String text, TokenLogprobs logprobs) {}

        @Override
        public void end(String text, Sequence.End end) {
            assertThat(end).isEqualTo(Sequence.End.LENGTH);
            ended.add(name);
        }

        @Override
        public void failed(Throwable reason) {
            ended.add(name + " failed: " + reason);
        }
    }
}
