package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.gpt.Parameter;
import io.bardstream.gpt.Samples;
import io.bardstream.gpt.TokenRows;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.train.OptimizerSettings.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A head that labels texts: here by whether token 7 stands in them. */
class ClassificationTest {
    private static final List<String> LABELS = List.of("without", "with");
    private static final List<int[]> TEXTS = IntStream.range(0, 16)
            .mapToObj(i -> i % 2 == 0 ? new int[] {1 + i, 3, 20} : new int[] {1 + i, 7, 2, 20, 21})
            .toList();
    private static final int[] TRUTH = IntStream.range(0, 16).map(i -> i % 2).toArray();

    @TempDir
    Path folder;

    @Test
    void aHeadOfZerosKnowsNothing() {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialiseClassifier(Samples.SMALL, compute, 3, 1)) {
            compute.kernels().zero(gpt.labelHead().master());
            gpt.weights().refresh();

            assertThat(Classification.probabilities(gpt, TEXTS)[5])
                    .containsExactly(new double[] {1 / 3.0, 1 / 3.0, 1 / 3.0}, within(1e-12));
            try (TrainStep step = new TrainStep(gpt, settings(false), 0, 1)) {
                assertThat(step.advance(0, 0, List.of(all())).loss()).isCloseTo(Math.log(3), within(1e-6));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void learnsWhatTellsTextsApart(Precision precision) throws IOException {
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.initialiseClassifier(Samples.SMALL, compute, 2, 1)) {
            train(gpt, false, 60);
            Confusion learned = Confusion.of(LABELS, TRUTH, Classification.probabilities(gpt, TEXTS));
            assertThat(learned.accuracy()).isEqualTo(1);
            assertThat(learned.loss()).isLessThan(0.1);

            // And the folder keeps the head, under the same labels only
            store(gpt);
            try (Gpt again = Gpt.loadClassifier(folder, compute);
                    Gpt other = Gpt.loadClassifier(folder, compute, List.of("a", "b"), 0, 5)) {
                assertThat(Classification.probabilities(again, TEXTS))
                        .isDeepEqualTo(Classification.probabilities(gpt, TEXTS));
                assertThat(other.labelHead().master().toFloatArray())
                        .isNotEqualTo(gpt.labelHead().master().toFloatArray());
            }
            try (Gpt decoder = Gpt.load(folder, compute)) {
                assertThatThrownBy(decoder::labelHead).isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theLastBlockAloneMovesWhereOnlyItIsTuned(boolean lastBlockOnly) {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialiseClassifier(Samples.SMALL, compute, 2, 1)) {
            Map<String, float[]> before = new HashMap<>();
            gpt.weights()
                    .all()
                    .forEach(parameter ->
                            before.put(parameter.name(), parameter.master().toFloatArray()));

            train(gpt, lastBlockOnly, 3);

            for (Parameter parameter : gpt.weights().all()) {
                boolean last = parameter.name().matches("transformer\\.(h\\.1|ln_f)\\..*|score\\.weight");
                boolean moved = !Arrays.equals(parameter.master().toFloatArray(), before.get(parameter.name()));
                assertThat(moved).as(parameter.name()).isEqualTo(last || !lastBlockOnly);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.3})
    void theLastBlockLearnsTheSameWhereNothingBelowIsComputed(double dropout) {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt whole = Gpt.initialiseClassifier(Samples.SMALL, compute, 2, 1);
                Gpt part = Gpt.initialiseClassifier(Samples.SMALL, compute, 2, 1);
                TrainStep wholeStep = new TrainStep(whole, unclipped(false), dropout, 1);
                TrainStep partStep = new TrainStep(part, unclipped(true), dropout, 1)) {
            double loss = wholeStep.advance(0, 1e-2, List.of(all())).loss();

            assertThat(partStep.advance(0, 1e-2, List.of(all())).loss()).isCloseTo(loss, within(1e-6));

            for (Parameter parameter : part.weights().all()) {
                String name = parameter.name();
                if (name.matches("transformer\\.(h\\.1|ln_f)\\..*|score\\.weight")) {
                    assertThat(parameter.gradient().toFloatArray())
                            .as(name)
                            .containsExactly(
                                    whole.weights().get(name).gradient().toFloatArray(), within(1e-6f));
                } else {
                    assertThat(parameter.gradient().toFloatArray()).as(name).containsOnly(0);
                }
            }
        }
    }

    @Test
    void measuresFollowTheirFormulas() {
        // ay: 3 of 4 found; no: 1 of 2 found
        double[] ay = {0.9, 0.1};
        double[] no = {0.2, 0.8};
        Confusion confusion = Confusion.of(
                List.of("ay", "no"), new int[] {0, 0, 0, 0, 1, 1}, new double[][] {ay, ay, ay, no, no, ay});

        assertThat(confusion.counts()).containsExactly(List.of(3, 1), List.of(1, 1));
        assertThat(confusion.accuracy()).isCloseTo(4 / 6.0, within(1e-12));
        assertThat(confusion.f1(0)).isCloseTo(0.75, within(1e-12)); // precision 3/4, recall 3/4
        assertThat(confusion.f1(1)).isCloseTo(0.5, within(1e-12)); // precision 1/2, recall 1/2
        assertThat(confusion.f1()).isCloseTo(0.625, within(1e-12));
        assertThat(confusion.loss())
                .isCloseTo(-(3 * Math.log(0.9) + Math.log(0.2) + Math.log(0.8) + Math.log(0.1)) / 6, within(1e-12));
        assertThat(confusion.metrics()).containsEntry("confusion.ay.no", 1.0).containsEntry("f1.no", 0.5);
    }

    private static void train(Gpt gpt, boolean lastBlockOnly, int steps) {
        try (TrainStep step = new TrainStep(gpt, settings(lastBlockOnly), 0, 1)) {
            for (int i = 0; i < steps; i++) {
                step.advance(i, 1e-2, List.of(all()));
            }
        }
    }

    private static Classification all() {
        return new Classification(TokenRows.of(TEXTS, 0), TRUTH);
    }

    private static OptimizerSettings settings(boolean lastBlockOnly) {
        return new OptimizerSettings(Kind.ADAMW, 0, 0.9, 0.95, 1e-8, 0.1, 1, lastBlockOnly);
    }

    private static OptimizerSettings unclipped(boolean lastBlockOnly) {
        return new OptimizerSettings(Kind.ADAMW, 0, 0.9, 0.95, 1e-8, 0.1, 0, lastBlockOnly);
    }

    private void store(Gpt gpt) throws IOException {
        GptConfig shape = gpt.config();
        ModelConfig config = ModelConfig.of(
                shape.vocabularySize(), shape.contextLength(), shape.width(), shape.layers(), shape.heads(), 0, null);
        Files.writeString(
                folder.resolve(HuggingFaceFormat.CONFIG),
                config.withLabels(LABELS).toJson());
        gpt.save(folder.resolve(HuggingFaceFormat.WEIGHTS));
    }
}
