package io.bardstream.event;

/**
 * What DPO has beside other trainings.
 *
 * @param klCoefficient price of a nat of KL to the reference, β: the less, the further the policy may go
 */
public record DpoSettings(double klCoefficient) {
    /** TRL's. */
    public static final DpoSettings DEFAULTS = new DpoSettings(0.1);

    public DpoSettings {
        Fields.require(
                klCoefficient > 0 && Double.isFinite(klCoefficient),
                "kl_coefficient",
                klCoefficient + " is not a positive number");
    }
}
