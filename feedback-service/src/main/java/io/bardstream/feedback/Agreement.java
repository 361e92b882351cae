package io.bardstream.feedback;

import java.util.Arrays;
import java.util.Collection;

/**
 * How far people agree about the same pairs.
 *
 * @param pairs pairs of texts that two people or more have judged
 * @param percent of all pairs of people who judged the same: how often both said the same; null without any
 * @param alpha Krippendorff's alpha (2011, "Computing Krippendorff's Alpha-Reliability") for names without an order: 1 is
 *     agreement, 0 what chance gives; any number of people may have judged each pair. Null where everybody always said one thing
 */
public record Agreement(long pairs, Double percent, Double alpha) {
    /**
     * @param judged for each pair of texts how many people named each category; those that fewer than two have judged say
     *     nothing here
     */
    static Agreement of(Collection<int[]> judged) {
        long units = 0;
        double same = 0; // pairs of people who agree
        double all = 0; // pairs of people
        double observed = 0; // sum over the categories of the coincidences on the diagonal
        double[] named = new double[0]; // how often each category was named where it could be compared
        for (int[] counts : judged) {
            int people = Arrays.stream(counts).sum();
            if (people < 2) {
                continue;
            }
            units++;
            named = named.length < counts.length ? Arrays.copyOf(named, counts.length) : named;
            double agreeing = 0;
            for (int category = 0; category < counts.length; category++) {
                agreeing += (double) counts[category] * (counts[category] - 1);
                named[category] += counts[category];
            }
            same += agreeing;
            all += (double) people * (people - 1);
            observed += agreeing / (people - 1);
        }
        double total = Arrays.stream(named).sum();
        double byChance = Arrays.stream(named).map(count -> count * (count - 1)).sum();
        double possible = total * (total - 1) - byChance;
        return new Agreement(
                units,
                all == 0 ? null : same / all,
                possible == 0 ? null : ((total - 1) * observed - byChance) / possible);
    }
}
