package io.bardstream.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest;
import io.bardstream.event.Stage;
import io.bardstream.event.Topics;
import io.bardstream.service.BundledPrompts;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.BiFunction;
import org.awaitility.core.ThrowingRunnable;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The stock of pairs, with the test in inference's place. */
@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
class PoolTest {
    private static final int WAITING = 20;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    @Inject
    EntityManager database;

    @Inject
    Pool pool;

    private Broker broker;
    private String promoted;
    private final Set<String> answered = new HashSet<>();

    @BeforeEach
    void aPolicyServes() {
        broker = new Broker(bootstrapServers);
        promoted = "policy-" + UUID.randomUUID();
        Given.nothingJudged(database, promoted);
        pool.wake();
    }

    @Test
    void itFillsItselfAndAsksForNoMore() {
        // When
        eventually(() -> {
            answer((request, i) -> "text " + i);
            assertThat(fresh()).isEqualTo(WAITING);
        });
        pool.wake();
        pool.wake();

        // Then
        eventually(() -> assertThat(requests()).hasSize(WAITING));
        assertThat(requests()).allSatisfy(request -> {
            assertThat(request.candidates())
                    .extracting(GenerationRequest.Candidate::checkpoint)
                    .containsExactly(promoted, promoted);
            assertThat(request.candidates())
                    .extracting(GenerationRequest.Candidate::seed)
                    .doesNotHaveDuplicates();
            assertThat(request.format()).isEqualTo(GenerationRequest.Format.RAW);
            assertThat(BundledPrompts.all()).contains(request.prompt());
        });
        assertThat(requests()).extracting(GenerationRequest::prompt).doesNotHaveDuplicates();
    }

    @Test
    void aPairThatIsTakenIsReplaced() {
        // Given
        eventually(() -> {
            answer((request, i) -> "text " + i);
            assertThat(fresh()).isEqualTo(WAITING);
        });

        // When
        Given.sql(database, "insert into feedback.annotator values ('ann', now(), now()) on conflict do nothing");
        Given.sql(
                database,
                "insert into feedback.assignment select id, 'ann', now(), now() + interval '1 hour'"
                        + " from feedback.comparison limit 3");
        pool.wake();

        // Then
        eventually(() -> assertThat(requests()).hasSize(WAITING + 3));
    }

    @Test
    void equalTextsAreNoPairAndAreAskedForAgainWithOtherSeedsButNotForEver() {
        // When
        eventually(() -> {
            answer((request, i) -> "always the same");
            assertThat(requests()).hasSize(3 * WAITING);
        });
        pool.wake();
        eventually(() -> {
            answer((request, i) -> "always the same");
            assertThat(states()).containsOnly("EQUAL");
        });

        // Then
        assertThat(fresh()).isZero();
        List<GenerationRequest> asked = requests();
        assertThat(asked).extracting(GenerationRequest::prompt).allSatisfy(prompt -> assertThat(asked)
                .filteredOn(request -> request.prompt().equals(prompt))
                .hasSize(3)
                .extracting(request -> request.candidates().get(0).seed())
                .doesNotHaveDuplicates());
    }

    @Test
    void whatIsLostIsAskedForAnewAndAnAnswerThatComesLateIsTaken() {
        // Given
        eventually(() -> assertThat(requests()).hasSize(WAITING));
        List<GenerationRequest> unanswered = requests();

        // When
        Given.sql(database, "update feedback.generation_request set asked_at = now() - interval '6 minutes'");
        pool.wake();

        // Then
        eventually(() -> assertThat(requests()).hasSize(2 * WAITING));
        assertThat(states()).contains("LOST", "ASKED");
        answer(unanswered.get(0), (request, i) -> "late " + i);
        eventually(() -> assertThat(fresh()).isEqualTo(1));
    }

    @Test
    void aCandidateIsComparedWithThePromotedAndOtherPairsLeave() {
        // Given
        eventually(() -> {
            answer((request, i) -> "text " + i);
            assertThat(fresh()).isEqualTo(WAITING);
        });
        String candidate = "candidate-" + UUID.randomUUID();
        String successor = "successor-" + UUID.randomUUID();

        // When
        broker.publish(Topics.CHECKPOINTS, promoted, Given.checkpoint(promoted, Stage.SFT, Given.NOON));
        broker.publish(
                Topics.CHECKPOINTS, candidate, Given.checkpoint(candidate, Stage.PPO, Given.NOON.plusSeconds(1)));
        eventually(() -> assertThat(QuarkusTransaction.requiringNew()
                        .call(() -> StoredCheckpoint.count("id in ?1", List.of(promoted, candidate))))
                .isEqualTo(2));
        Given.sql(database, "insert into feedback.annotator values ('ann', now(), now()) on conflict do nothing");
        Given.sql(
                database,
                "insert into feedback.assignment select id, 'ann', now(), now() + interval '1 hour'"
                        + " from feedback.comparison limit 1");
        pool.wake();

        // Then
        eventually(() -> assertThat(requests()).anySatisfy(request -> {
            assertThat(request.candidates())
                    .extracting(GenerationRequest.Candidate::checkpoint)
                    .containsExactlyInAnyOrder(candidate, promoted);
            assertThat(request.format()).isEqualTo(GenerationRequest.Format.CHAT);
        }));

        // When
        Given.promoted(successor, Given.NOON.plusSeconds(2));
        pool.wake();

        // Then
        eventually(() -> assertThat(QuarkusTransaction.requiringNew()
                        .call(() -> Comparison.count("state", Comparison.State.WITHDRAWN)))
                .isEqualTo(WAITING));
        eventually(() -> {
            answer((request, i) -> "text " + i);
            assertThat(fresh()).isEqualTo(WAITING);
        });
    }

    /** What this test's pool has asked for. */
    private List<GenerationRequest> requests() {
        Set<String> own =
                Set.copyOf(QuarkusTransaction.requiringNew().call(() -> PoolRequest.<PoolRequest>listAll().stream()
                        .map(request -> request.id)
                        .toList()));
        return broker.read(Topics.GENERATION_REQUESTS).stream()
                .filter(request -> own.contains(request.id()))
                .toList();
    }

    private void answer(BiFunction<GenerationRequest, Integer, String> text) {
        requests().stream().filter(request -> answered.add(request.id())).forEach(request -> answer(request, text));
    }

    private void answer(GenerationRequest request, BiFunction<GenerationRequest, Integer, String> text) {
        for (int i = 0; i < request.candidates().size(); i++) {
            Generation generation = Given.generation(
                    request.generationId(i),
                    request.id(),
                    request.prompt(),
                    text.apply(request, i),
                    request.candidates().get(i).checkpoint());
            broker.publish(Topics.GENERATIONS, generation.id(), generation);
        }
    }

    private static long fresh() {
        return QuarkusTransaction.requiringNew().call(() -> Comparison.count("state", Comparison.State.OPEN));
    }

    private static Set<String> states() {
        return new HashSet<>(QuarkusTransaction.requiringNew().call(() -> PoolRequest.<PoolRequest>listAll().stream()
                .map(request -> request.state.name())
                .toList()));
    }

    private static void eventually(ThrowingRunnable assertion) {
        await().atMost(Duration.ofMinutes(2)).untilAsserted(assertion);
    }
}
