package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import io.bardstream.gpt.Dropout;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.gpt.Parameter;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.tokenizer.ChatFormat.Rendered;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Conversations packed into rows against the same conversations alone. */
class PackingTest {
    private static final int PAD = 49;
    private static final GptConfig SMALL = new GptConfig(2, 4, 32, 160, 50);

    @ParameterizedTest
    @ValueSource(ints = {24, 160}) // within a tile of attention, and across two
    void packedLossesAndGradientsAreThoseOfEachAlone(int contextLength) {
        // Given conversations of many lengths, of which several fit a row
        List<Rendered> conversations = IntStream.of(3, 24, 2, 10, 9, 17, 5, 12, 7, 11, 23, 4, 18, 21)
                .mapToObj(length -> conversation(length, length))
                .toList();
        Batch packed = Packing.pack(conversations, contextLength, PAD);
        assertThat(packed.rows()).isEqualTo(contextLength == 24 ? 7 : 1);
        List<Batch> alone = conversations.stream()
                .map(conversation -> Packing.pack(List.of(conversation), contextLength, PAD))
                .toList();

        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialise(SMALL, compute, 3)) {
            shake(gpt);
            gpt.weights().train(Precision.FLOAT32);

            // When both are taken forward and back
            double together = step(gpt, List.of(packed));
            List<float[]> gradients = gradients(gpt);
            double apart = step(gpt, alone);

            // Then losses and all gradients agree
            assertThat(together).isCloseTo(apart, within(1e-5));
            List<Parameter> parameters = gpt.weights().all();
            for (int i = 0; i < parameters.size(); i++) {
                assertThat(distance(gradients.get(i), parameters.get(i).gradient()))
                        .as(parameters.get(i).name())
                        .isLessThan(1e-5);
            }
        }
    }

    @Test
    void nothingOfOneConversationReachesAnother() {
        try (Compute compute = Compute.open(Precision.BFLOAT16, 1);
                Gpt gpt = Gpt.initialise(SMALL, compute, 3)) {
            shake(gpt);
            Rendered last = conversation(6, 1);

            float[] one = hidden(gpt, Packing.pack(List.of(conversation(14, 2), last), 32, PAD));
            float[] other = hidden(gpt, Packing.pack(List.of(conversation(14, 3), last), 32, PAD));

            int first = 13 * 32; // channels of the first conversation
            assertThat(IntStream.range(0, first).anyMatch(i -> one[i] != other[i]))
                    .isTrue();
            for (int i = first; i < one.length; i++) {
                assertThat(other[i]).isEqualTo(one[i]);
            }
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThat(Packing.fits(17, 16)).isTrue();
        assertThat(Packing.pack(List.of(conversation(17, 1)), 16, PAD).length()).isEqualTo(16);
        assertThatThrownBy(() -> Packing.pack(List.of(conversation(18, 1)), 16, PAD))
                .hasMessage("a conversation of 18 tokens cannot be trained in a context of 16");
    }

    private static Rendered conversation(int length, long seed) {
        Random random = new Random(seed);
        BitSet trained = new BitSet();
        trained.set(length / 2, length);
        return new Rendered(random.ints(length, 0, PAD).toArray(), trained);
    }

    /** The mean loss over all trained tokens; its gradients lie in the buffers. */
    private static double step(Gpt gpt, List<Batch> batches) {
        double total = batches.stream().mapToDouble(Batch::weight).sum();
        gpt.weights().clearGradients();
        double loss = 0;
        for (Batch batch : batches) {
            NextToken objective = new NextToken(batch);
            try (ForwardPass pass = ForwardPass.training(gpt.compute(), Dropout.NONE)) {
                NDArray hidden = gpt.forward(objective.tokens(pass), pass);
                Objective.Outcome outcome = objective.apply(gpt, hidden, batch.weight() / total, pass);
                loss += outcome.loss().getFloat() * batch.weight() / total;
                gpt.backward(outcome.dHidden(), pass);
            }
        }
        return loss;
    }

    private static float[] hidden(Gpt gpt, Batch batch) {
        try (ForwardPass pass = ForwardPass.inference(gpt.compute())) {
            return gpt.forward(new NextToken(batch).tokens(pass), pass)
                    .toType(ai.djl.ndarray.types.DataType.FLOAT32, true)
                    .toFloatArray();
        }
    }

    private static List<float[]> gradients(Gpt gpt) {
        return gpt.weights().all().stream()
                .map(parameter -> parameter.gradient().toFloatArray())
                .toList();
    }

    /** |a - b| / |b|. */
    private static double distance(float[] a, NDArray gradient) {
        float[] b = gradient.toFloatArray();
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < a.length; i++) {
            difference += (a[i] - b[i]) * (double) (a[i] - b[i]);
            norm += b[i] * (double) b[i];
        }
        return Math.sqrt(difference / norm);
    }

    /** Weights as after some training: activations of order one, so that a leak would show. */
    private static void shake(Gpt gpt) {
        NDArray masters = gpt.weights().masters();
        Random random = new Random(5);
        float[] noise = new float[(int) masters.size()];
        for (int i = 0; i < noise.length; i++) {
            noise[i] = 0.1f * (float) random.nextGaussian();
        }
        try (var scope = gpt.compute().scope()) {
            gpt.compute().kernels().copy(masters, masters.add(scope.create(noise)));
        }
        gpt.weights().refresh();
    }
}
