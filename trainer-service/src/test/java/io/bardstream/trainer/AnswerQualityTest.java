package io.bardstream.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.bardstream.trainer.AnswerQuality.Answer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AnswerQualityTest {
    @Test
    void answersAreMeasuredByHand() {
        List<Answer> answers = List.of(
                new Answer("To be, or not.", "to be,  or not. ", true),
                new Answer("kitten", "sitting", true),
                new Answer("Aye.", "so so so so so so", false),
                new Answer("Nay.", "", true));

        Map<String, Double> measured = AnswerQuality.measured(answers, text -> text.length() / 2);

        assertThat(measured).containsEntry("answers", 4.0).containsEntry("exact_match", 0.25);
        assertThat(measured).containsEntry("ended", 0.75);
        assertThat(measured.get("fuzzy_match")).isCloseTo((1 + 4 / 7.0 + 0 + 0) / 4, within(1e-9)); // kitten: 3 edits
        assertThat(measured.get("distinct_1")).isCloseTo(6 / 11.0, within(1e-9)); // to be or not, sitting, so
        assertThat(measured.get("distinct_2")).isCloseTo(4 / 8.0, within(1e-9));
        assertThat(measured.get("repetition")).isCloseTo(0.75 / 4, within(1e-9)); // so so so: three of four again
        assertThat(measured.get("verbatim_overlap")).isCloseTo((8 / 16.0 + 3 / 7.0 + 8 / 17.0) / 4, within(1e-9));
    }

    @Test
    void withoutAnswersThereIsNothingToMeasure() {
        assertThat(AnswerQuality.measured(List.of(), text -> 0)).isEqualTo(Map.of("answers", 0.0));
    }

    @Test
    void similarityIsOneMinusTheShareOfEdits() {
        assertThat(AnswerQuality.similarity("", "")).isEqualTo(1);
        assertThat(AnswerQuality.similarity("abc", "")).isZero();
        assertThat(AnswerQuality.similarity("flaw", "lawn")).isCloseTo(0.5, within(1e-9));
    }
}
