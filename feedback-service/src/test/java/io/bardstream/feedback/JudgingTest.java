package io.bardstream.feedback;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.EventJson;
import io.bardstream.event.Preference;
import io.bardstream.event.Preference.Choice;
import io.bardstream.event.Topics;
import io.bardstream.service.BundledPrompts;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Pairs handed out and votes taken, over HTTP, the real database and the real broker. */
@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
class JudgingTest {
    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    @Inject
    EntityManager database;

    @BeforeEach
    void anEmptyPool() {
        Given.nothingJudged(database);
    }

    @Test
    void withoutAPairThereIsNone() {
        next("ann").statusCode(204);
    }

    @Test
    void aReloadShowsTheSameSides() {
        // Given
        Given.pairs(5);

        // When
        Shown first = shown("ann");

        // Then
        assertThat(shown("ann")).isEqualTo(first);
        assertThat(List.of(first.a(), first.b()))
                .containsExactlyInAnyOrder("first of " + first.id(), "second of " + first.id());
    }

    @Test
    void eachSideIsAsLikely() {
        long swapped = IntStream.range(0, 1_000)
                .filter(i -> Sides.swapped("comparison-" + i, "ann"))
                .count();

        assertThat(swapped).isBetween(440L, 560L);
    }

    @Test
    void theNextButOneIsAnother() {
        // Given
        Given.pairs(2);
        Shown first = shown("ann");

        // When
        Shown second = next("ann", first.id()).statusCode(200).extract().as(Shown.class);

        // Then
        assertThat(second.id()).isNotEqualTo(first.id());
        assertThat(shown("ann")).as("the first is still held").isEqualTo(first);
        next("ann", first.id(), second.id()).statusCode(204);
    }

    @Test
    void noTwoPeopleHoldOnePairAtOnceButItComesBackWhenItsTimeIsOver() {
        // Given
        Given.pairs(1);
        Shown shown = shown("ann");
        next("bob").statusCode(204);

        // When
        Given.sql(database, "update feedback.assignment set expires_at = now() - interval '1 second'");

        // Then
        assertThat(shown("bob").id()).isEqualTo(shown.id());
        next("ann").statusCode(204);
    }

    @Test
    void peopleWhoAskAtOnceGetDifferentPairs() throws Exception {
        // Given
        Given.pairs(20);

        // When
        Set<String> ids = new HashSet<>();
        for (Shown shown : atOnce(20, i -> () -> shown("annotator-" + i))) {
            ids.add(shown.id());
        }

        // Then
        assertThat(ids).hasSize(20);
    }

    @Test
    void aVoteIsOneFactHoweverOftenItIsSent() throws Exception {
        // Given
        Given.pairs(1);
        Shown shown = shown("ann");

        // When
        List<Integer> statuses = atOnce(
                8,
                i -> () ->
                        vote(shown.id(), "ann", "a", "why not", null).extract().statusCode());

        // Then
        assertThat(statuses)
                .containsOnlyOnce(201)
                .filteredOn(status -> status != 201)
                .containsOnly(200);
        assertThat(published(shown.id())).singleElement().satisfies(fact -> {
            assertThat(fact.choice()).isEqualTo(Choice.A);
            assertThat(fact.a()).isEqualTo(shown.a());
            assertThat(fact.b()).isEqualTo(shown.b());
            assertThat(fact.prompt()).isEqualTo(shown.prompt());
            assertThat(fact.comment()).isEqualTo("why not");
            assertThat(fact.annotator()).isEqualTo("ann");
            assertThat(fact.generationA()).isEqualTo("g-" + shown.a().replace(' ', '-'));
        });
        assertThat(state(shown.id())).isEqualTo(Comparison.State.JUDGED);
    }

    @Test
    void aDifferentVoteIsRefusedUnlessItReplacesAndThenNamesTheOneBefore() {
        // Given
        Given.pairs(1);
        Shown shown = shown("ann");
        String first = vote(shown.id(), "ann", "a", null, null)
                .statusCode(201)
                .extract()
                .path("id");

        // When
        vote(shown.id(), "ann", "b", null, null).statusCode(409).body("error.param", equalTo("choice"));
        String second = vote(shown.id(), "ann", "b", null, true)
                .statusCode(201)
                .body("supersedes", equalTo(first))
                .extract()
                .path("id");
        vote(shown.id(), "ann", "b", null, true).statusCode(200).body("id", equalTo(second));

        // Then
        assertThat(published(shown.id())).extracting(Preference::id).containsExactly(first, second);
        assertThat(published(shown.id())).extracting(Preference::supersedes).containsExactly(null, first);
    }

    @Test
    void anUndoIsASkipThatSupersedesAndTheAnnotatorIsAskedAgain() {
        // Given
        Given.pairs(3);
        Shown shown = shown("ann");
        next("ann", shown.id()).statusCode(200);
        String vote = vote(shown.id(), "ann", "a", null, null)
                .statusCode(201)
                .extract()
                .path("id");

        // When
        for (int i = 0; i < 2; i++) {
            given().queryParam("annotator", "ann")
                    .delete("/v1/comparisons/{id}/vote", shown.id())
                    .then()
                    .statusCode(200)
                    .body("id", equalTo(shown.id()))
                    .body("a", equalTo(shown.a()));
        }

        // Then
        assertThat(shown("ann")).as("before what was fetched ahead").isEqualTo(shown);
        assertThat(state(shown.id())).isEqualTo(Comparison.State.OPEN);
        vote(shown.id(), "ann", "b", null, null).statusCode(201);
        List<Preference> chain = published(shown.id());
        assertThat(chain).extracting(Preference::choice).containsExactly(Choice.A, Choice.SKIP, Choice.B);
        assertThat(chain)
                .extracting(Preference::supersedes)
                .containsExactly(null, vote, chain.get(1).id());
        given().get("/v1/annotators/ann")
                .then()
                .statusCode(200)
                .body("votes", equalTo(1))
                .body("judged", equalTo(1))
                .body("today", equalTo(1));
        given().get("/v1/annotators/ann/votes")
                .then()
                .statusCode(200)
                .body("data.size()", equalTo(1))
                .body("data[0].choice", equalTo("b"))
                .body("data[0].a", equalTo(shown.a()));
    }

    @ParameterizedTest
    @EnumSource(Choice.class)
    void nobodyIsAskedTwice(Choice choice) {
        // Given
        Given.pairs(1);
        Shown shown = shown("ann");

        // When
        vote(shown.id(), "ann", choice.label(), null, null).statusCode(201);

        // Then
        next("ann").statusCode(204);
        assertThat(state(shown.id()))
                .isEqualTo(
                        choice == Choice.FLAG
                                ? Comparison.State.FLAGGED
                                : choice == Choice.SKIP ? Comparison.State.OPEN : Comparison.State.JUDGED);
        assertThat(published(shown.id())).extracting(Preference::choice).containsExactly(choice);
    }

    @Test
    void theOneTheRewardModelIsLeastSureOfComesFirst() {
        // Given
        List<String> ids = Given.pairs(3);
        Given.scores(ids.get(0), 2, -1);
        Given.scores(ids.get(1), 0.5, 0.75);
        // the third has no score

        // When, Then
        assertThat(shown("ann").id()).isEqualTo(ids.get(1));
        assertThat(shown("bob").id()).isEqualTo(ids.get(0));
        assertThat(shown("eve").id()).isEqualTo(ids.get(2));
    }

    @Test
    void asManyPeopleAsWantedJudgeAPairEachOnce() {
        // Given: one that two people are asked about, and a newer one
        String pair = Given.pairs(2, 2).get(0);

        // When, Then
        assertThat(shown("ann").id()).isEqualTo(pair);
        assertThat(shown("bob").id()).as("both at once").isEqualTo(pair);
        String other = shown("eve").id();
        assertThat(other).as("its seats are taken").isNotEqualTo(pair);
        vote(pair, "ann", "a", null, null).statusCode(201);
        assertThat(state(pair)).isEqualTo(Comparison.State.OPEN);
        assertThat(shown("ann").id()).as("nobody gets a pair twice").isEqualTo(other);
        vote(pair, "bob", "b", null, null).statusCode(201);
        assertThat(state(pair)).isEqualTo(Comparison.State.JUDGED);
        assertThat(published(pair)).extracting(Preference::annotator).containsExactly("ann", "bob");
    }

    @Test
    void aPairThatOthersHaveBegunOnComesFirst() {
        // Given
        List<String> pairs = Given.pairs(3, 3);
        vote(pairs.get(2), "ann", "tie", null, null).statusCode(201);
        vote(pairs.get(1), "ann", "skip", null, null).statusCode(201);

        // When, Then
        assertThat(shown("bob").id()).isEqualTo(pairs.get(2));
    }

    @Test
    void peopleWhoAskAtOnceNeverAreMoreThanWanted() throws Exception {
        // Given
        int wanted = 3;
        List<String> pairs = Given.pairs(5, wanted);

        // When
        List<String> given = atOnce(20, i -> () -> {
            Response answer = next("annotator-" + i).extract().response();
            return answer.statusCode() == 204 ? null : answer.<String>path("id");
        });

        // Then
        assertThat(pairs)
                .allSatisfy(pair -> assertThat(given).filteredOn(pair::equals).hasSize(wanted));
        assertThat(given).filteredOn(Objects::isNull).hasSize(20 - 5 * wanted);
    }

    @Test
    void whatIsWrongIsNamed() {
        Given.pairs(1);
        Shown shown = shown("ann");

        next("no handle").statusCode(400).body("error.param", equalTo("annotator"));
        next("..").statusCode(400);
        given().get("/v1/comparisons/next").then().statusCode(400).body("error.param", equalTo("annotator"));
        vote("nothing", "ann", "a", null, null).statusCode(404);
        vote(shown.id(), "ann", "c", null, null).statusCode(400).body("error.param", equalTo("choice"));
        vote(shown.id(), "ann", null, null, null).statusCode(400).body("error.param", equalTo("choice"));
        vote(shown.id(), "<b>", "a", null, null).statusCode(400).body("error.param", equalTo("annotator"));
        vote(shown.id(), "ann", "a", "x".repeat(2001), null).statusCode(400).body("error.param", equalTo("comment"));
        vote(shown.id(), "ann", "a", "\u0000", null).statusCode(400).body("error.param", equalTo("comment"));
        given().queryParam("annotator", "ann")
                .delete("/v1/comparisons/{id}/vote", shown.id())
                .then()
                .statusCode(404);
        given().contentType(ContentType.JSON)
                .body("{\"text\":\" \"}")
                .post("/v1/prompts")
                .then()
                .statusCode(400);
        assertThat(published(shown.id())).isEmpty();
    }

    @Test
    void theStatisticsCountWhatStands() {
        // Given: two judge the same pair, one of them changes a vote and takes another back
        List<String> ids = Given.pairs(3);
        shown("ann");
        for (String id : ids) {
            vote(id, "ann", "a", null, null).statusCode(201);
        }
        vote(
                ids.get(0),
                "ann",
                Sides.swapped(ids.get(0), "ann") == Sides.swapped(ids.get(0), "bob") ? "a" : "b",
                null,
                true);
        vote(ids.get(0), "bob", "a", null, null).statusCode(201);
        vote(ids.get(1), "ann", "tie", null, true).statusCode(201);
        vote(ids.get(1), "bob", "b", null, null).statusCode(201);
        given().queryParam("annotator", "ann").delete("/v1/comparisons/{id}/vote", ids.get(2));

        // When
        Statistics.Report report = EventJson.read(
                given().get("/v1/statistics").then().statusCode(200).extract().asByteArray(), Statistics.Report.class);

        // Then
        assertThat(report.votes()).isEqualTo(4);
        assertThat(report.choices()).containsEntry(Choice.TIE, 1L).containsEntry(Choice.SKIP, 0L);
        assertThat(report.agreement().pairs()).isEqualTo(2);
        assertThat(report.agreement().percent()).isEqualTo(0.5);
        assertThat(report.left().of()).isEqualTo(3);
        assertThat(report.annotators())
                .extracting(Statistics.OfAnnotator::annotator)
                .containsExactly("ann", "bob");
        assertThat(report.annotators())
                .extracting(one -> one.agreement().value())
                .containsExactly(0.5, 0.5);
        assertThat(report.secondsPerVote()).isBetween(0.0, 60.0);
        assertThat(report.pool().open()).isEqualTo(1);
        assertThat(report.days()).hasSize(30).last().satisfies(day -> assertThat(day.votes())
                .isEqualTo(4));
    }

    @Test
    void theExportHoldsWhatStandsWordForWordWhateverTheTextsAre() {
        // Given
        List<String> nasty =
                List.of("\u0000", "\"\n\r\t\\", "\u2028\u2029\u0085", "\uD83D\uDC80 \uFEFF\uFFFF", "</script>", "");
        List<String> ids = Given.pairs(nasty.size() + 1);
        for (int i = 0; i < nasty.size(); i++) {
            Given.rewritten(
                    ids.get(i), new Comparison.Texts(nasty.get(i) + "p", nasty.get(i) + "1", nasty.get(i) + "2"));
            vote(ids.get(i), "ann", i % 2 == 0 ? "a" : "b", "because \u2028", null)
                    .statusCode(201);
        }
        vote(ids.get(nasty.size()), "ann", "tie", null, null).statusCode(201);

        // When
        byte[] export = given().get("/v1/preferences.jsonl")
                .then()
                .statusCode(200)
                .extract()
                .asByteArray();
        byte[] undecided = given().get("/v1/preferences-undecided.jsonl")
                .then()
                .statusCode(200)
                .extract()
                .asByteArray();

        // Then
        List<Judged.Decided> lines = Arrays.stream(new String(export, StandardCharsets.UTF_8).split("\n"))
                .map(line -> EventJson.read(line.getBytes(StandardCharsets.UTF_8), Judged.Decided.class))
                .toList();
        assertThat(lines)
                .extracting(Judged.Decided::comparison)
                .containsExactlyElementsOf(ids.subList(0, nasty.size()));
        for (int i = 0; i < nasty.size(); i++) {
            String text = nasty.get(i);
            boolean first = (i % 2 == 0) != Sides.swapped(ids.get(i), "ann");
            assertThat(lines.get(i).prompt()).isEqualTo(text + "p");
            assertThat(lines.get(i).chosen()).isEqualTo(text + (first ? "1" : "2"));
            assertThat(lines.get(i).rejected()).isEqualTo(text + (first ? "2" : "1"));
            assertThat(lines.get(i).comment()).isEqualTo("because \u2028");
        }
        assertThat(new String(undecided, StandardCharsets.UTF_8).lines())
                .singleElement()
                .asString()
                .contains("\"tie\"");
    }

    @Test
    void promptsAreThereOnce() {
        String text = "Add me " + System.nanoTime() + "\n";

        String id = given().contentType(ContentType.JSON)
                .body(Map.of("text", text))
                .post("/v1/prompts")
                .then()
                .statusCode(201)
                .body("text", equalTo(text))
                .extract()
                .path("id");
        given().contentType(ContentType.JSON)
                .body(Map.of("text", text))
                .post("/v1/prompts")
                .then()
                .statusCode(200)
                .body("id", equalTo(id));

        List<String> texts =
                given().get("/v1/prompts").then().statusCode(200).extract().path("data.text");
        assertThat(texts).contains(text).containsAll(BundledPrompts.all()).doesNotHaveDuplicates();
    }

    private static ValidatableResponse next(String annotator, Object... except) {
        return given().queryParam("annotator", annotator)
                .queryParam("except", except)
                .get("/v1/comparisons/next")
                .then();
    }

    private static Shown shown(String annotator) {
        return next(annotator).statusCode(200).extract().as(Shown.class);
    }

    private static ValidatableResponse vote(
            String comparison, String annotator, String choice, String comment, Boolean replace) {
        Map<String, Object> ballot = new HashMap<>();
        ballot.put("annotator", annotator);
        ballot.put("choice", choice);
        ballot.put("comment", comment);
        ballot.put("replace", replace);
        return given().contentType(ContentType.JSON)
                .body(ballot)
                .post("/v1/comparisons/{id}/vote", comparison)
                .then();
    }

    /** What stands on the topic of a comparison, when all that is to be announced has been. */
    private List<Preference> published(String comparison) {
        Given.published();
        return new Broker(bootstrapServers)
                .read(Topics.PREFERENCES).stream()
                        .filter(fact -> fact.comparison().equals(comparison))
                        .toList();
    }

    private static Comparison.State state(String comparison) {
        return QuarkusTransaction.requiringNew().call(() -> Comparison.<Comparison>findById(comparison).state);
    }

    private interface Work<T> {
        Callable<T> of(int number);
    }

    private static <T> List<T> atOnce(int times, Work<T> work) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(times);
        try {
            List<Future<T>> running = new ArrayList<>();
            for (int i = 0; i < times; i++) {
                running.add(threads.submit(work.of(i)));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> one : running) {
                results.add(one.get());
            }
            return results;
        } finally {
            threads.shutdownNow();
        }
    }
}
