package io.bardstream.trainer;

/**
 * The loss of direct preference optimization (Rafailov et al. 2023, equation 7): −log σ(β·margin), where the margin is how
 * much more the policy has come to prefer the chosen response to the rejected one than its reference does. A policy that is
 * still its reference has a loss of ln 2.
 *
 * @param rewardChosen β·(log π − log π_ref) of the chosen response: the reward that the policy implies
 * @param gradient at the chosen response's log-probability; at the rejected one's it is the opposite
 */
record DpoLoss(double loss, double rewardChosen, double rewardRejected, double gradient) {
    /** Of one pair, from the log-probabilities of whole responses. */
    static DpoLoss of(double chosen, double rejected, double referenceChosen, double referenceRejected, double beta) {
        double rewardChosen = beta * (chosen - referenceChosen);
        double rewardRejected = beta * (rejected - referenceRejected);
        double margin = rewardChosen - rewardRejected;
        double loss = Math.max(0, -margin) + Math.log1p(Math.exp(-Math.abs(margin)));
        return new DpoLoss(loss, rewardChosen, rewardRejected, -beta / (1 + Math.exp(margin)));
    }
}
