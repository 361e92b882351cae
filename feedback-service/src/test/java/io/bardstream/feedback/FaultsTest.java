package io.bardstream.feedback;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.MortalServices;
import io.bardstream.event.Preference;
import io.bardstream.event.Preference.Choice;
import io.bardstream.event.Topics;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Many people vote while the database and the broker are killed. A vote that was acknowledged is a fact. */
@QuarkusTest
@QuarkusTestResource(value = MortalServices.class, restrictToAnnotatedClass = true)
class FaultsTest {
    private static final int PEOPLE = 20;
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    @Inject
    EntityManager database;

    @Inject
    RateLimit limit;

    private final AtomicInteger acknowledged = new AtomicInteger();

    /** A vote as its annotator meant it and the service acknowledged it. */
    private record Vow(String id, String annotator, Choice choice, String comment, Shown seen) {
        static Vow of(Preference fact) {
            return new Vow(
                    fact.id(),
                    fact.annotator(),
                    fact.choice(),
                    fact.comment(),
                    new Shown(fact.comparison(), fact.prompt(), fact.a(), fact.b()));
        }
    }

    @Test
    void everyAcknowledgedVoteIsInTheTableAndOnTheTopicAsItWasCast() throws Exception {
        voteThroughFaults(10);
    }

    /** On two busy cores it takes minutes. */
    @Test
    @Tag("acceptance")
    void soItIsWithAThousandVotes() throws Exception {
        voteThroughFaults(50);
    }

    private void voteThroughFaults(int votesEach) throws Exception {
        // Given
        int votes = PEOPLE * votesEach;
        Given.nothingJudged(database);
        Given.pairs(votes);
        limit.bucket("127.0.0.1").forceAddTokens(1_000 * votes);
        acknowledged.set(0);
        Set<String> earlier = new Broker(bootstrapServers)
                .read(Topics.PREFERENCES).stream().map(Preference::id).collect(Collectors.toSet());

        // When
        List<Vow> vows = new ArrayList<>();
        ExecutorService people = Executors.newFixedThreadPool(PEOPLE);
        try {
            List<Future<List<Vow>>> voting = new ArrayList<>();
            for (int i = 0; i < PEOPLE; i++) {
                String annotator = "annotator-" + i;
                voting.add(people.submit(() -> vote(annotator, votesEach)));
            }
            await().atMost(PATIENCE).until(() -> acknowledged.get() >= votes / 4);
            MortalServices.killAndRestartPostgres();
            await().atMost(PATIENCE).until(() -> acknowledged.get() >= votes / 2);
            MortalServices.killAndRestartKafka();
            for (Future<List<Vow>> one : voting) {
                vows.addAll(one.get());
            }
        } finally {
            people.shutdownNow();
        }

        // Then
        assertThat(vows).hasSize(votes);
        await().atMost(PATIENCE)
                .ignoreExceptions()
                .until(() -> stored(() -> OutboxRecord.count("announcedAt is null")) == 0);
        Map<String, Vow> table = byId(stored(() -> Vote.<Vote>listAll().stream()
                .map(vote -> Vow.of(vote.preference(Comparison.findById(vote.comparison))))
                .toList()));
        Map<String, List<Vow>> topic = new Broker(bootstrapServers)
                .read(Topics.PREFERENCES).stream()
                        .map(Vow::of)
                        .filter(vow -> !earlier.contains(vow.id()))
                        .collect(Collectors.groupingBy(Vow::id));
        assertThat(table).isEqualTo(byId(vows));
        assertThat(topic.keySet()).isEqualTo(table.keySet());
        assertThat(topic).allSatisfy((id, copies) -> assertThat(copies).containsOnly(table.get(id)));
    }

    /** One person's votes, each sent until it is acknowledged. */
    private List<Vow> vote(String annotator, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> {
                    Shown shown = acknowledged(
                                    () -> given().queryParam("annotator", annotator)
                                            .get("/v1/comparisons/next"),
                                    status -> status == 200)
                            .as(Shown.class);
                    Choice choice = List.copyOf(Votes.JUDGEMENTS).get(i % Votes.JUDGEMENTS.size());
                    String comment = "vote %d of %s".formatted(i, annotator);
                    Response answer = acknowledged(
                            () -> given().contentType(ContentType.JSON)
                                    .body(Map.of("annotator", annotator, "choice", choice, "comment", comment))
                                    .post("/v1/comparisons/{id}/vote", shown.id()),
                            status -> status == 200 || status == 201);
                    acknowledged.incrementAndGet();
                    return new Vow(answer.path("id"), annotator, choice, comment, shown);
                })
                .toList();
    }

    private static Response acknowledged(Callable<Response> request, Predicate<Integer> good) {
        AtomicReference<Response> answer = new AtomicReference<>();
        await().atMost(PATIENCE).pollDelay(Duration.ZERO).until(() -> {
            answer.set(request.call());
            assertThat(answer.get().statusCode())
                    .as("a fault of others is 503, never the request's")
                    .isIn(200, 201, 503);
            return good.test(answer.get().statusCode());
        });
        return answer.get();
    }

    private static Map<String, Vow> byId(List<Vow> vows) {
        return vows.stream().collect(Collectors.toMap(Vow::id, Function.identity()));
    }

    private static <T> T stored(Callable<T> query) {
        return QuarkusTransaction.requiringNew().call(query);
    }
}
