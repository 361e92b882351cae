package io.bardstream.reward;

import io.bardstream.checkpoint.CheckpointFolder;
import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.embedded.Broker;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.Preference;
import io.bardstream.event.Preference.Choice;
import io.bardstream.event.Stage;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.Topics;
import io.bardstream.event.TrainingRequest;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.service.BardstreamHome;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.BpeTrainer;
import io.bardstream.tokenizer.SpecialTokens;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;

/** The other services, as the judge sees them: a policy of two random layers that serves, and people who prefer thou to you. */
final class Ring {
    private static final int CONTEXT = 32;
    private static final String THOU = " art thou";
    private static final String YOU = " are you";
    private static final BpeTokenizer TOKENIZER = tokenizer();

    private final Broker broker;
    private final BardstreamHome home;
    private final String id = UUID.randomUUID().toString().substring(0, 8);

    Ring(Broker broker, BardstreamHome home) {
        this.broker = broker;
        this.home = home;
    }

    private static BpeTokenizer tokenizer() {
        BpeTrainer trainer = new BpeTrainer(300, SpecialTokens.ALL);
        trainer.add("Speak, thou art more lovely and more temperate than you. ".repeat(3));
        return trainer.train((done, total) -> {});
    }

    /** A policy in the store, on the topics, and promoted. */
    Checkpoint promotedPolicy() throws IOException {
        String tokenizer = "tokenizer-" + id;
        broker.publish(
                Topics.TOKENIZERS,
                tokenizer,
                new TokenizerPublished(
                        tokenizer,
                        "test",
                        TOKENIZER.sha256(),
                        TOKENIZER.vocabularySize(),
                        TOKENIZER.specialTokens(),
                        TOKENIZER.sha256(),
                        TOKENIZER.toJson(),
                        Instant.now()));
        Checkpoint policy = policy();
        broker.publish(Topics.CHECKPOINTS, policy.id(), policy);
        broker.publish(Topics.PROMOTIONS, Checkpoint.POLICY, Given.byHand(policy.id(), Instant.now()));
        return policy;
    }

    private Checkpoint policy() throws IOException {
        GptConfig shape = new GptConfig(2, 2, 32, CONTEXT, TOKENIZER.vocabularySize());
        ModelConfig config = ModelConfig.of(
                shape.vocabularySize(),
                CONTEXT,
                shape.width(),
                shape.layers(),
                shape.heads(),
                TOKENIZER.endOfText(),
                null);
        CheckpointFolder folder = new CheckpointStore(home.checkpoints()).write("run-" + id, "policy-" + id, into -> {
            HuggingFaceFormat.writeDescription(into, config, HuggingFaceFormat.TokenizerFiles.of(TOKENIZER));
            try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                    Gpt gpt = Gpt.initialise(shape, compute, 1)) {
                gpt.save(into.resolve(HuggingFaceFormat.WEIGHTS));
            }
        });
        return new Checkpoint(
                "policy-" + id,
                Checkpoint.POLICY,
                Stage.SFT,
                null,
                "run-" + id,
                "someone",
                1,
                "instructions-" + id,
                TOKENIZER.sha256(),
                folder.path(),
                folder.sha256(),
                Map.of(),
                Instant.now());
    }

    /** Votes on as many prompts, each for the text that ends in thou, whichever side it is on. */
    void votes(int count, String annotator) {
        votes(count, annotator, null, null);
    }

    /** The same where one checkpoint wrote the texts that end in thou, and another the others. */
    void votes(int count, String annotator, String thou, String you) {
        for (int i = 0; i < count; i++) {
            String vote = "%s-%s-%d".formatted(id, annotator, i);
            boolean thouFirst = i % 2 == 0;
            Preference preference = new Preference(
                    vote,
                    "comparison-" + vote,
                    annotator,
                    thouFirst ? Choice.A : Choice.B,
                    null,
                    "Speak %d:".formatted(i),
                    Format.RAW,
                    thouFirst ? THOU : YOU,
                    thouFirst ? YOU : THOU,
                    null,
                    null,
                    thouFirst ? thou : you,
                    thouFirst ? you : thou,
                    null,
                    Instant.now());
            broker.publish(Topics.PREFERENCES, vote, preference);
        }
    }

    /** A policy that PPO has made of another, as far as the topics tell: it is in no store. */
    Checkpoint candidate(Checkpoint of, double kl) {
        Checkpoint candidate = new Checkpoint(
                "ppo-" + id,
                Checkpoint.POLICY,
                Stage.PPO,
                of.id(),
                "run-ppo-" + id,
                TrainingRequest.CURRICULUM,
                8,
                of.dataset(),
                TOKENIZER.sha256(),
                "run-ppo-" + id + "/ppo-" + id,
                of.sha256(),
                Map.of("objective/kl", kl),
                Instant.now());
        broker.publish(Topics.CHECKPOINTS, candidate.id(), candidate);
        return candidate;
    }

    /** Requests that two checkpoints have answered, the first of them with thou; the ids of its generations. */
    List<String> generations(int count, Checkpoint thou, Checkpoint you) {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ids.add(generation("request-" + id + "-" + i, thou, THOU));
            generation("request-" + id + "-" + i, you, YOU);
        }
        return ids;
    }

    private String generation(String request, Checkpoint by, String text) {
        String generation = request + "-" + by.stage().label();
        broker.publish(
                Topics.GENERATIONS,
                generation,
                new Generation(
                        generation,
                        request,
                        "Speak:",
                        Format.RAW,
                        text,
                        by.id(),
                        by.sha256(),
                        TOKENIZER.sha256(),
                        Map.of(),
                        1,
                        "stop",
                        Instant.now()));
        return generation;
    }

    int[] tokens(String prompt, String response) {
        return IntStream.concat(IntStream.of(TOKENIZER.encode(prompt)), IntStream.of(TOKENIZER.encode(response)))
                .toArray();
    }
}
