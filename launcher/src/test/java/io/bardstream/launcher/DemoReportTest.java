package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.bardstream.launcher.Answers.Answer;
import io.bardstream.launcher.DemoReport.Accuracy;
import io.bardstream.launcher.DemoReport.Check;
import io.bardstream.launcher.DemoReport.Measured;
import io.bardstream.launcher.DemoReport.Sample;
import io.bardstream.launcher.ScriptedAnnotator.Ballots;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a demo's report says, to people, programs and browsers. */
class DemoReportTest {
    private static final String EVIL = "</td><script>alert('&\"')</script>";

    /** A report of 240 answers before and after. */
    private static DemoReport report(int withTaste, double kl, double distinct2, double validationLoss) {
        return new DemoReport(
                "thou",
                0.1,
                Map.of("PPO", 31.4),
                "reward-1",
                new Ballots(900, 400),
                new Ballots(40, 20),
                new Accuracy(73, 74, 73.0 / 74, 0.927, 0.998),
                kl,
                24,
                new Measured("sft-1", 240, 60, 0.1, 0.5, 0.9, 57, 3.6),
                new Measured("ppo-1", 240, withTaste, 2.1, 0.4, distinct2, 40, validationLoss),
                List.of(
                        Api.json("{\"update\":1,\"objective/scores\":-0.3,\"objective/kl\":0}"),
                        Api.json("{\"update\":2,\"objective/scores\":1.5,\"objective/kl\":2.5}")),
                List.of(new Sample(EVIL, new Answer("a", EVIL, EVIL, 0.5), new Answer("b", EVIL, "thou\nart", 1.5))),
                Api.json("{\"generation\":{\"id\":\"cmpl-1\",\"text\":\"" + "<b>bold</b>" + "\"}}"));
    }

    private static final DemoReport GOOD = report(150, 3, 0.8, 3.7);

    @Test
    void whereAllIsWellItSucceeds() {
        assertThat(GOOD.checks()).hasSize(4).allMatch(Check::passed);
        assertThat(GOOD.succeeded()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "75, 3, 0.8, 3.7, the taste rose", // p is 0.07
        "150, 24, 0.8, 3.7, KL under its ceiling",
        "150, NaN, 0.8, 3.7, KL under its ceiling",
        "150, 3, 0.71, 3.7, variety kept",
        "150, 3, 0.8, 3.79, nothing forgotten"
    })
    void oneThingThatIsNotWellIsNamed(int withTaste, double kl, double distinct2, double loss, String failed) {
        DemoReport report = report(withTaste, kl, distinct2, loss);

        assertThat(report.succeeded()).isFalse();
        assertThat(report.checks())
                .filteredOn(check -> !check.passed())
                .extracting(Check::name)
                .containsExactly(failed);
        assertThat(report.lines())
                .filteredOn(line -> line.startsWith("FAILED"))
                .hasSize(1)
                .allMatch(line -> line.contains(failed));
    }

    @Test
    void aTerminalGetsTheWholeWayBackWithoutItsLongLines() {
        List<String> lines = GOOD.lines();

        assertThat(lines).contains("  generation cmpl-1", "  before  +0.50  " + EVIL, "  after   +1.50  thou / art");
        assertThat(lines).noneMatch(line -> line.contains("measured"));
        assertThat(lines.get(0))
                .isEqualTo("Taste 'thou', told to nobody; 900 votes, 400 of them for one text, 10 % flipped");
    }

    @Test
    void programsGetEverything() throws Exception {
        JsonNode json = Api.JSON.readTree(GOOD.json());

        assertThat(json.path("succeeded").asBoolean()).isTrue();
        assertThat(json.at("/checks/0/passed").asBoolean()).isTrue();
        assertThat(json.at("/before/with_taste").asInt()).isEqualTo(60);
        assertThat(json.at("/after/distinct_2").asDouble()).isEqualTo(0.8);
        assertThat(json.at("/updates/1/objective~1kl").asDouble()).isEqualTo(2.5);
        assertThat(json.at("/lineage/generation/id").asText()).isEqualTo("cmpl-1");
    }

    @Test
    void thePageNeedsNothingBesideItAndObeysNoText() {
        String html = new Page(GOOD).html();

        assertThat(html)
                .contains("default-src 'none'")
                .doesNotContain("<script", "src=", "href=", "<b>bold", "http:", "https:");
        assertThat(html)
                .contains("&lt;/td&gt;&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;", "&lt;b&gt;bold");
        assertThat(html).contains("<svg", "<polyline points=\"46.0,", "62.5 %", "cmpl-1");
    }

    @Test
    void varietyIsCountedInWords() {
        Answers answers = new Answers(
                "c", List.of(new Answer("1", "p", "Thou art, thou ART!", 1), new Answer("2", "p", "kind", 2)));

        assertThat(answers.distinct(1)).isEqualTo(3.0 / 5);
        assertThat(answers.distinct(2)).isEqualTo(2.0 / 3);
        assertThat(answers.distinct(9)).isEqualTo(1);
        assertThat(answers.with(Taste.THOU)).isEqualTo(1);
        assertThat(answers.meanReward()).isEqualTo(1.5);
    }
}
