package io.bardstream.feedback;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.EventJson;
import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.Preference;
import io.bardstream.event.Preference.Choice;
import io.bardstream.event.Topics;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Votes that come as a file, over the real database and broker. */
@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
class ImportTest {
    private static final int LINES = 250; // more than are written at once

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    @Inject
    EntityManager database;

    @Inject
    ObjectMapper json;

    private final String run = "t" + UUID.randomUUID();

    @BeforeEach
    void nothingJudged() {
        Given.nothingJudged(database);
    }

    @Test
    void anExportThatIsImportedElsewhereIsExportedAsItWas() {
        // Given
        List<Judged> judged = judgements();
        String decided = lines(judged, Choice.A);
        String undecided = lines(judged, Choice.TIE);

        // When: the two files in either order
        imported(decided).statusCode(201).body("imported", equalTo(LINES));
        imported(undecided).statusCode(201);
        String first = exported("preferences.jsonl");
        String firstUndecided = exported("preferences-undecided.jsonl");
        Given.nothingJudged(database);
        imported(firstUndecided).statusCode(201);
        imported(first).statusCode(201);

        // Then
        assertThat(first).isEqualTo(decided);
        assertThat(firstUndecided).isEqualTo(undecided);
        assertThat(exported("preferences.jsonl")).isEqualTo(first);
        assertThat(exported("preferences-undecided.jsonl")).isEqualTo(firstUndecided);
    }

    @Test
    void everyVoteBecomesARecordOfTheTopic() {
        // Given
        List<Judged> judged = judgements();

        // When
        imported(lines(judged, Choice.A)).statusCode(201);

        // Then
        Given.published();
        List<Preference> facts = new Broker(bootstrapServers)
                .read(Topics.PREFERENCES).stream()
                        .filter(fact -> fact.id().contains(run))
                        .toList();
        assertThat(facts).hasSize(LINES);
        assertThat(facts).allSatisfy(fact -> {
            Judged one = judged.stream()
                    .filter(line -> line.id().equals(fact.id()))
                    .findFirst()
                    .orElseThrow();
            assertThat(fact.choice() == Choice.A ? fact.a() : fact.b())
                    .isEqualTo(one.first().text());
            assertThat(fact.choice() == Choice.A ? fact.b() : fact.a())
                    .isEqualTo(one.second().text());
            assertThat(fact.prompt()).isEqualTo(one.prompt());
            assertThat(fact.format()).isEqualTo(one.format());
        });
    }

    /** The columns that TRL's DPO and reward trainers ask for are texts; the others are texts or null in every line. */
    @Test
    void everyLineHasTheColumnsThatTrlAndDatasetsExpect() throws IOException {
        // Given
        List<Judged> judged = judgements();
        imported(lines(judged, Choice.A)).statusCode(201);
        imported(lines(judged, Choice.TIE)).statusCode(201);

        // When, Then
        assertColumns(
                exported("preferences.jsonl"),
                List.of("prompt", "chosen", "rejected"),
                "format,id,comparison,annotator,comment,chosen_generation,rejected_generation,chosen_checkpoint,"
                        + "rejected_checkpoint,at");
        assertColumns(
                exported("preferences-undecided.jsonl"),
                List.of("prompt", "a", "b"),
                "choice,format,id,comparison,annotator,comment,generation_a,generation_b,checkpoint_a,checkpoint_b,at");
    }

    private void assertColumns(String file, List<String> texts, String others) throws IOException {
        assertThat(file).endsWith("\n");
        for (String line : file.split("\n")) {
            JsonNode row = json.readTree(line);
            List<String> columns =
                    row.properties().stream().map(column -> column.getKey()).toList();
            assertThat(String.join(",", columns)).isEqualTo(String.join(",", texts) + "," + others);
            assertThat(texts).allMatch(column -> row.get(column).isTextual());
            assertThat(columns)
                    .allMatch(column ->
                            row.get(column).isTextual() || row.get(column).isNull());
        }
    }

    @Test
    void threeColumnsAreEnoughAndTheSameLineTwiceIsOneVote() {
        // Given
        String line = "{\"prompt\":\"%s\",\"chosen\":\"O brave\",\"rejected\":\"o\"}\n".formatted(run);

        // When, Then
        imported("\uFEFF" + line + "\n\r\n" + line)
                .statusCode(201)
                .body("lines", equalTo(2))
                .body("imported", equalTo(1))
                .body("known", equalTo(1));
        imported(line).statusCode(200).body("imported", equalTo(0)).body("known", equalTo(1));
        Given.published();
        assertThat(new Broker(bootstrapServers)
                        .read(Topics.PREFERENCES).stream()
                                .filter(fact -> fact.prompt().equals(run)))
                .singleElement()
                .satisfies(fact -> assertThat(fact.annotator()).isEqualTo("import"));
        assertThat(QuarkusTransaction.requiringNew()
                        .call(() -> Comparison.<Comparison>list("prompt", Prompt.idOf(run))))
                .singleElement()
                .satisfies(pair -> assertThat(pair.state).isEqualTo(Comparison.State.JUDGED));
        given().queryParam("annotator", "bob")
                .get("/v1/comparisons/next")
                .then()
                .statusCode(204);
    }

    @Test
    void oneBadLineIsNamedAndNothingIsTaken() {
        String good = "{\"prompt\":\"%s\",\"chosen\":\"x\",\"rejected\":\"y\"}\n".formatted(run);

        imported(good
                        + "{\"prompt\":\"p\",\"chosen\":\"x\"}\n"
                        + good
                        + "nonsense\n"
                        + "{\"prompt\":[{\"role\":\"user\"}],\"chosen\":\"x\",\"rejected\":\"y\"}\n"
                        + "{\"prompt\":\"p\",\"chosen\":\"x\",\"rejected\":\"x\"}\n"
                        + "{\"prompt\":\"p\",\"chosen\":\"\\ud800\",\"rejected\":\"x\"}\n"
                        + "{\"prompt\":\"p\",\"a\":\"x\",\"b\":\"y\",\"choice\":\"skip\"}\n"
                        + "{\"prompt\":\"p\",\"chosen\":\"x\",\"rejected\":\"y\",\"annotator\":\"Ann Other\"}\n"
                        + "{\"prompt\":\"p\",\"chosen\":\"x\",\"rejected\":\"y\",\"at\":\"+10000-01-01T00:00:00Z\"}\n"
                        + "{\"prompt\":\"p\",\"chosen\":\"x\",\"rejected\":\"" + "y".repeat(50_001) + "\"}\n"
                        + "{\"prompt\":\"" + "p".repeat(2_000_000) + "\"}\n")
                .statusCode(400)
                .body("error.param", equalTo("rejected"))
                .body("error.code", equalTo("bad_lines"))
                .body(
                        "error.message",
                        allOf(
                                containsString("10 of 12 lines"),
                                containsString("line 2: rejected: is missing"),
                                containsString("line 4: "),
                                containsString("line 5: prompt: has a value of the wrong type"),
                                containsString("line 6: rejected: is the same text"),
                                containsString("line 7: chosen: holds half a surrogate pair"),
                                containsString("line 8: choice: is skip"),
                                containsString("line 9: annotator: 'Ann Other'"),
                                containsString("line 10: at: is in the year 10000"),
                                containsString("line 11: rejected: has 50001 characters; at most 50000"),
                                containsString("line 12: line: has more than 1048576 bytes"),
                                not(containsString("line 1:"))));
        imported("\n \n").statusCode(400).body("error.param", equalTo("body"));
        assertThat(QuarkusTransaction.requiringNew().call(() -> Vote.count())).isZero();
    }

    @Test
    void whatContradictsTheTableIsRefused() {
        // Given
        String line = "{\"id\":\"%s\",\"comparison\":\"c-%s\",\"annotator\":\"ann\",\"prompt\":\"p\",%s}\n";
        imported(line.formatted(run, run, "\"chosen\":\"x\",\"rejected\":\"y\""))
                .statusCode(201);

        // When, Then
        imported(line.formatted(run, run, "\"chosen\":\"y\",\"rejected\":\"x\""))
                .statusCode(400)
                .body("error.message", containsString("line 1: id: '" + run + "' is here another vote"));
        imported(line.formatted(run + "-2", run, "\"chosen\":\"y\",\"rejected\":\"x\""))
                .statusCode(400)
                .body("error.message", containsString("annotator: 'ann' has voted on these texts: " + run));
        imported(line.formatted(run + "-2", run, "\"chosen\":\"z\",\"rejected\":\"x\""))
                .statusCode(400)
                .body("error.message", containsString("is here of other texts"));
    }

    /** Decided ones, and as many ties and both-bad on the same pairs by another annotator, shown the other way round. */
    private List<Judged> judgements() {
        Random random = new Random(7);
        return IntStream.range(0, 2 * LINES)
                .mapToObj(i -> {
                    int pair = i % LINES;
                    boolean decided = i < LINES;
                    Random same = new Random(pair);
                    String prompt = text(same);
                    Judged.Side first = new Judged.Side(text(same) + "1", "g1-" + run, pair % 2 == 0 ? "c1" : null);
                    Judged.Side second = new Judged.Side(text(same) + "2", null, "c2");
                    return new Judged(
                            "vote-%s-%05d".formatted(run, i),
                            "comparison-" + run + "-" + pair,
                            decided ? "ann" : "bob",
                            prompt,
                            pair % 3 == 0 ? null : Format.CHAT,
                            decided ? Choice.A : pair % 2 == 0 ? Choice.TIE : Choice.BOTH_BAD,
                            decided ? first : second,
                            decided ? second : first,
                            random.nextBoolean() ? null : "c" + text(random).replace("\u0000", ""),
                            Given.NOON.plusNanos(i * 1_000L));
                })
                .toList();
    }

    private static String text(Random random) {
        int length = random.nextInt(20);
        return random.ints(0, 0x110000)
                .filter(c -> c < 0xd800 || c > 0xdfff)
                .map(c -> c % 3 == 0 ? c % 0x80 : c)
                .limit(length)
                .mapToObj(Character::toString)
                .collect(Collectors.joining());
    }

    private static String lines(List<Judged> judged, Choice choice) {
        return judged.stream()
                .filter(one -> (one.choice() == Choice.A) == (choice == Choice.A))
                .map(one -> EventJson.write(choice == Choice.A ? one.decided() : one.undecided()))
                .map(line -> new String(line, StandardCharsets.UTF_8) + "\n")
                .collect(Collectors.joining());
    }

    private static ValidatableResponse imported(String lines) {
        return given().contentType("application/jsonl")
                .body(lines.getBytes(StandardCharsets.UTF_8))
                .post("/v1/preferences")
                .then();
    }

    private static String exported(String file) {
        return new String(
                given().get("/v1/" + file).then().statusCode(200).extract().asByteArray(), StandardCharsets.UTF_8);
    }
}
