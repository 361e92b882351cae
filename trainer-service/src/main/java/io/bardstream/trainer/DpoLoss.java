package io.bardstream.trainer;

import io.bardstream.train.BradleyTerry;

/**
 * The loss of direct preference optimization (Rafailov et al. 2023, equation 7): Bradley-Terry's of the rewards that the policy
 * implies, β·(log π − log π_ref). A policy that is still its reference has a loss of ln 2.
 *
 * @param rewardFirst that the policy implies for the first response
 * @param gradient at the first response's log-probability; at the second one's it is the opposite
 */
record DpoLoss(double loss, double rewardFirst, double rewardSecond, double gradient) {
    /**
     * Of one pair, from the log-probabilities of whole responses.
     *
     * @param preference share of the votes for the first
     */
    static DpoLoss of(
            double first,
            double second,
            double referenceFirst,
            double referenceSecond,
            double preference,
            double beta) {
        double rewardFirst = beta * (first - referenceFirst);
        double rewardSecond = beta * (second - referenceSecond);
        double margin = rewardFirst - rewardSecond;
        return new DpoLoss(
                BradleyTerry.loss(margin, preference),
                rewardFirst,
                rewardSecond,
                beta * BradleyTerry.slope(margin, preference));
    }
}
