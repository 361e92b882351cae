package io.bardstream.trainer;

import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.train.Response;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** A policy that does not learn: the reference of one that does. */
final class FrozenPolicy implements AutoCloseable {
    private static final int RESPONSES = 16; // of a forward pass

    private final Compute compute;
    private final Gpt gpt;

    private FrozenPolicy(Compute compute, Gpt gpt) {
        this.compute = compute;
        this.gpt = gpt;
    }

    /** Loads a checkpoint folder. */
    static FrozenPolicy load(Path checkpoint, Precision precision, int threads) throws IOException {
        Compute compute = Compute.open(precision, threads);
        try {
            return new FrozenPolicy(compute, Gpt.load(checkpoint, compute));
        } catch (IOException | RuntimeException e) {
            compute.close();
            throw e;
        }
    }

    /** Log-probabilities of whole responses, in nats. */
    double[] logprobs(List<Response> responses) {
        if (responses.isEmpty()) {
            return new double[0];
        }
        List<ResponseRows> batches = Experience.batches(responses, ResponseRows.longest(responses), RESPONSES);
        return Arrays.stream(Experience.seen(gpt, batches, 1).logprobs())
                .mapToDouble(DpoObjective::sum)
                .toArray();
    }

    @Override
    public void close() {
        gpt.close();
        compute.close();
    }
}
