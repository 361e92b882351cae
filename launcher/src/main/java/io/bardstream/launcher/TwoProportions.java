package io.bardstream.launcher;

/**
 * Whether a share is greater in a second sample than in a first: the one-sided z-test of two proportions with the pooled
 * variance (Fleiss, Statistical Methods for Rates and Proportions, chapter 3, without the correction for continuity).
 *
 * @param before texts of the first sample that count
 * @param ofBefore texts of the first sample
 * @param after of the second, likewise
 */
record TwoProportions(int before, int ofBefore, int after, int ofAfter) {
    private static final double FAR = 5; // where the series has lost its digits, the continued fraction has all of them
    private static final int TERMS = 50;

    TwoProportions {
        if (before < 0 || after < 0 || before > ofBefore || after > ofAfter || ofBefore == 0 || ofAfter == 0) {
            throw new IllegalArgumentException(
                    before + " of " + ofBefore + " and " + after + " of " + ofAfter + " are no shares");
        }
    }

    double shareBefore() {
        return (double) before / ofBefore;
    }

    double shareAfter() {
        return (double) after / ofAfter;
    }

    /** By how many standard errors the share rose; 0 where neither sample varies. */
    double z() {
        double pooled = (double) (before + after) / (ofBefore + ofAfter);
        double error = Math.sqrt(pooled * (1 - pooled) * (1.0 / ofBefore + 1.0 / ofAfter));
        return error == 0 ? 0 : (shareAfter() - shareBefore()) / error;
    }

    /** The probability of so great a rise, or a greater, where there is none. */
    double p() {
        return upperTail(z());
    }

    /** 1 − Φ(z): by Φ's series around 0 (Marsaglia 2004, equation 1), further out by Laplace's continued fraction. */
    static double upperTail(double z) {
        if (z < 0) {
            return 1 - upperTail(-z);
        }
        double density = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
        if (z > FAR) {
            double fraction = z;
            for (int k = TERMS; k >= 1; k--) {
                fraction = z + k / fraction;
            }
            return density / fraction;
        }
        double sum = z;
        double term = z;
        for (int k = 3; sum + term != sum; k += 2) {
            term *= z * z / k;
            sum += term;
        }
        return 0.5 - density * sum;
    }
}
