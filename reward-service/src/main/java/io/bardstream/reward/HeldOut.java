package io.bardstream.reward;

import io.bardstream.service.Share;
import io.bardstream.train.BradleyTerry;
import java.util.List;

/**
 * How well judgements of pairs that were not trained on agree with people's.
 *
 * @param accuracy share of the pairs with a winner that are judged for it, with Wilson's 95 % interval
 * @param loss mean of −log of the probability given to what people said, over all votes' shares, in nats a pair
 * @param calibrationError how far the confidence of judgements is from their accuracy (Guo et al. 2017, equation 3, ten
 *     bins): 0 where of those made with 80 % confidence 80 % are right
 */
record HeldOut(Share accuracy, double loss, double calibrationError) {
    private static final int BINS = 10;

    /**
     * A judgement of a pair: the first text's reward less the second's, and the share of votes for the first.
     */
    record Prediction(double difference, double preference) {
        private boolean decided() {
            return preference != 0.5;
        }

        private boolean right() {
            return difference != 0 && difference > 0 == preference > 0.5;
        }

        /** From ½ to 1. */
        private double confidence() {
            return BradleyTerry.probability(Math.abs(difference));
        }
    }

    /** The measures of these judgements; their values are null or 0 where there is none. */
    static HeldOut of(List<Prediction> predictions) {
        List<Prediction> decided =
                predictions.stream().filter(Prediction::decided).toList();
        long right = decided.stream().filter(Prediction::right).count();
        double loss = predictions.stream()
                .mapToDouble(each -> BradleyTerry.loss(each.difference(), each.preference()))
                .average()
                .orElse(0);
        return new HeldOut(Share.of(right, decided.size()), loss, calibrationError(decided));
    }

    private static double calibrationError(List<Prediction> decided) {
        double error = 0;
        for (int bin = 0; bin < BINS; bin++) {
            double sum = 0;
            for (Prediction each : decided) {
                if (Math.min(BINS - 1, (int) ((each.confidence() - 0.5) * 2 * BINS)) == bin) {
                    sum += (each.right() ? 1 : 0) - each.confidence();
                }
            }
            error += Math.abs(sum);
        }
        return decided.isEmpty() ? 0 : error / decided.size();
    }
}
