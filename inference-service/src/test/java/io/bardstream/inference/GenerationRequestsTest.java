package io.bardstream.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.bardstream.checkpoint.CheckpointFolder;
import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest;
import io.bardstream.event.Topics;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.awaitility.core.ThrowingRunnable;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Requests that come by the topic, on real models of random weights. */
@QuarkusTest
@QuarkusTestResource(value = EmbeddedServices.class, restrictToAnnotatedClass = true)
@QuarkusTestResource(value = TestHome.class, restrictToAnnotatedClass = true)
class GenerationRequestsTest {
    @ConfigProperty(name = "bardstream.home")
    Path home;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    @Inject
    MeterRegistry metrics;

    @Test
    @Tag("containers")
    void twoCheckpointsAnswerAndARequestThatComesAgainGivesTheSame() throws IOException {
        // Given
        Broker broker = new Broker(bootstrapServers);
        String policy = "policy-" + UUID.randomUUID();
        String candidate = "candidate-" + UUID.randomUUID();
        GenerationRequest request = request("ROMEO:\n", policy, candidate);

        // When: the request is there before what it asks for is announced
        Checkpoint second;
        try (Announcer announcer = new Announcer(home, bootstrapServers)) {
            CheckpointFolder one = announcer.write(policy, 1);
            CheckpointFolder other = announcer.write(candidate, 2);
            broker.publish(Topics.GENERATION_REQUESTS, request.id(), request);
            broker.publish(Topics.GENERATION_REQUESTS, request.id(), request);
            announcer.announce(policy, one.path(), one.sha256());
            second = announcer.announce(candidate, other.path(), other.sha256());
        }

        // Then
        eventually(() -> assertThat(generations(broker, request)).hasSize(4));
        List<Generation> generations = generations(broker, request);
        assertThat(generations)
                .extracting(Generation::id)
                .containsOnly(request.generationId(0), request.generationId(1));
        for (int i = 0; i < 2; i++) {
            String id = request.generationId(i);
            assertThat(generations.stream()
                            .filter(generation -> generation.id().equals(id))
                            .map(Generation::text)
                            .distinct())
                    .hasSize(1);
        }
        assertThat(generations)
                .filteredOn(generation -> generation.id().equals(request.generationId(1)))
                .allSatisfy(generation -> {
                    assertThat(generation.checkpoint()).isEqualTo(candidate);
                    assertThat(generation.checkpointSha256()).isEqualTo(second.sha256());
                    assertThat(generation.prompt()).isEqualTo("ROMEO:\n");
                    assertThat(generation.format()).isEqualTo(GenerationRequest.Format.RAW);
                    assertThat(generation.seed()).isEqualTo(8);
                    assertThat(generation.sampling()).containsEntry("max_tokens", 12);
                });
    }

    @Test
    void whatCannotBeAnsweredHoldsNobodyUp() throws IOException {
        // Given
        Broker broker = new Broker(bootstrapServers);
        String policy = "policy-" + UUID.randomUUID();
        try (Announcer announcer = new Announcer(home, bootstrapServers)) {
            announcer.checkpoint(policy, 1);
        }
        GenerationRequest unknown = request("ROMEO:", "pruned-long-ago");
        GenerationRequest tooLong = request("ROMEO ".repeat(2_000), policy);
        GenerationRequest wrong = new GenerationRequest(
                "request-" + UUID.randomUUID(),
                "ROMEO:",
                GenerationRequest.Format.RAW,
                List.of(new GenerationRequest.Candidate(policy, Map.of("temperature", 9), 1)),
                Instant.now());
        GenerationRequest good = new GenerationRequest(
                "request-" + UUID.randomUUID(),
                "Who are you?",
                GenerationRequest.Format.CHAT,
                request("", policy).candidates(),
                Instant.now());

        // When
        broker.publish(Topics.GENERATION_REQUESTS, good.id(), "no JSON".getBytes(StandardCharsets.UTF_8));
        for (GenerationRequest request : List.of(wrong, tooLong, unknown, good)) {
            broker.publish(Topics.GENERATION_REQUESTS, good.id(), request); // one key, so one partition and this order
        }

        // Then
        eventually(() -> assertThat(generations(broker, good)).hasSize(1));
        assertThat(broker.deadLetters(Topics.GENERATION_REQUESTS))
                .contains("no JSON")
                .anyMatch(letter -> letter.contains(wrong.id()))
                .anyMatch(letter -> letter.contains(tooLong.id()))
                .noneMatch(letter -> letter.contains(unknown.id()));
        assertThat(generations(broker, unknown)).isEmpty();
        assertThat(metrics.get("bardstream.inference.generation.requests.dropped")
                        .counter()
                        .count())
                .isGreaterThanOrEqualTo(1);
    }

    private static GenerationRequest request(String prompt, String... checkpoints) {
        List<GenerationRequest.Candidate> candidates = new ArrayList<>();
        for (String checkpoint : checkpoints) {
            candidates.add(new GenerationRequest.Candidate(
                    checkpoint,
                    Map.of("temperature", 0.8, "max_tokens", 12, "logit_bias", Api.NEVER_ENDING),
                    7 + candidates.size()));
        }
        return new GenerationRequest(
                "request-" + UUID.randomUUID(), prompt, GenerationRequest.Format.RAW, candidates, Instant.now());
    }

    private static List<Generation> generations(Broker broker, GenerationRequest request) {
        return broker.read(Topics.GENERATIONS).stream()
                .filter(generation -> generation.requestId().equals(request.id()))
                .toList();
    }

    private static void eventually(ThrowingRunnable assertion) {
        await().atMost(Duration.ofMinutes(2)).untilAsserted(assertion);
    }
}
