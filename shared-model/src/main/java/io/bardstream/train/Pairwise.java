package io.bardstream.train;

import ai.djl.ndarray.NDArray;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.TokenRows;
import java.util.List;
import java.util.stream.Stream;

/**
 * The reward model's objective (Stiennon et al. 2020, section 3.4): the mean of −log σ(r₁ − r₂) over pairs of texts of which
 * the first is preferred, by {@link BradleyTerry}. The reward of a text, its prompt included, is the scalar head's number at
 * its last token; the gradient is zero everywhere else.
 */
public record Pairwise(List<Pair> pairs, TokenRows rows) implements Objective {
    /**
     * Two texts, each the prompt and a response to it.
     *
     * @param preference share of the votes for the first, 0 to 1
     * @param weight how much the pair counts in the loss: its votes
     */
    @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
    public record Pair(int[] first, int[] second, double preference, double weight) {
        public Pair {
            if (!(preference >= 0 && preference <= 1)) {
                throw new IllegalArgumentException("preference is " + preference + "; it is a share, from 0 to 1");
            }
            if (!(weight > 0)) {
                throw new IllegalArgumentException("weight is " + weight + "; it is positive");
            }
        }
    }

    /** The batch of these pairs: the rows of all first texts, then those of all second. */
    public static Pairwise of(List<Pair> pairs) {
        Stream<int[]> first = pairs.stream().map(Pair::first);
        Stream<int[]> second = pairs.stream().map(Pair::second);
        return new Pairwise(pairs, TokenRows.of(Stream.concat(first, second).toList(), 0));
    }

    @Override
    public NDArray tokens(ForwardPass pass) {
        return rows.array(pass);
    }

    @Override
    public double weight() {
        return pairs.stream().mapToDouble(Pair::weight).sum();
    }

    @Override
    public Outcome apply(Gpt gpt, NDArray hidden, double scale, ForwardPass pass) {
        float[] values = gpt.scalarHead().forward(hidden).toFloatArray(); // (B·T)
        float[] dValues = new float[values.length];
        double total = weight();
        double loss = 0;
        for (int i = 0; i < pairs.size(); i++) {
            Pair pair = pairs.get(i);
            int first = rows.last(i);
            int second = rows.last(pairs.size() + i);
            double difference = values[first] - values[second];
            double share = pair.weight() / total;
            loss += share * BradleyTerry.loss(difference, pair.preference());
            float slope = (float) (scale * share * BradleyTerry.slope(difference, pair.preference()));
            dValues[first] = slope;
            dValues[second] = -slope;
        }
        NDArray dHidden = gpt.scalarHead().backward(pass.scope().create(dValues), hidden); // (B·T, C)
        return new Outcome(pass.scope().create((float) loss), dHidden);
    }
}
