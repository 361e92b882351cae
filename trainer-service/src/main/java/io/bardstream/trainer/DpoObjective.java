package io.bardstream.trainer;

import ai.djl.ndarray.NDArray;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.train.Logprobs;
import io.bardstream.train.Objective;
import io.bardstream.train.Response;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** DPO's objective over some pairs: {@link DpoLoss}, a mean over them. */
final class DpoObjective implements Objective {
    private final List<JudgedResponses> pairs;
    private final ResponseRows rows; // all first responses, then all second ones
    private final double beta;

    private List<DpoLoss> measured = List.of();

    /** @param beta price of a nat of KL to the reference */
    DpoObjective(List<JudgedResponses> pairs, double beta) {
        this.pairs = pairs;
        this.rows = rows(pairs);
        this.beta = beta;
    }

    private static ResponseRows rows(List<JudgedResponses> pairs) {
        List<Response> responses = Stream.concat(
                        pairs.stream().map(JudgedResponses::first),
                        pairs.stream().map(JudgedResponses::second))
                .toList();
        return ResponseRows.of(responses, ResponseRows.longest(responses));
    }

    @Override
    public NDArray tokens(ForwardPass pass) {
        return rows.tokens(pass); // (2B, T)
    }

    @Override
    public double weight() {
        return pairs.size();
    }

    @Override
    public Outcome apply(Gpt gpt, NDArray hidden, double scale, ForwardPass pass) {
        Logprobs logprobs = new Logprobs(gpt, hidden, rows.speaking(), rows.targets(), 1); // (M)
        measured = losses(rows.split(logprobs.values()));
        double loss = measured.stream().mapToDouble(DpoLoss::loss).average().orElseThrow();
        return new Outcome(pass.scope().create((float) loss), logprobs.backward(gradient(scale))); // (2B·T, C)
    }

    /** The pairs' losses without a gradient. */
    List<DpoLoss> evaluate(Gpt gpt) {
        return losses(Experience.seen(gpt, List.of(rows), 1).logprobs());
    }

    private List<DpoLoss> losses(float[][] logprobs) {
        List<DpoLoss> losses = new ArrayList<>();
        for (int i = 0; i < pairs.size(); i++) {
            JudgedResponses pair = pairs.get(i);
            losses.add(DpoLoss.of(
                    sum(logprobs[i]),
                    sum(logprobs[pairs.size() + i]),
                    pair.referenceFirst(),
                    pair.referenceSecond(),
                    pair.preference(),
                    beta));
        }
        return losses;
    }

    /** At the log-probabilities of all tokens, (M): each token of a response counts alike. */
    private float[] gradient(double scale) {
        float[] gradient = new float[rows.count()];
        int t = 0;
        for (int row = 0; row < rows.rows(); row++) {
            double slope = measured.get(row % pairs.size()).gradient() * scale / pairs.size();
            while (t < rows.ends()[row]) {
                gradient[t++] = (float) (row < pairs.size() ? slope : -slope);
            }
        }
        return gradient;
    }

    static double sum(float... values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum;
    }

    /** What the last application measured, pair by pair. */
    List<DpoLoss> measured() {
        return measured;
    }
}
