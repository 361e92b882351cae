package io.bardstream.event;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * What one training step, or one evaluation, measured. Values that were not measured at this step are null.
 *
 * @param step optimizer steps done, from 1; 0 is the state before the first
 * @param steps the run's planned number of steps
 * @param tokens tokens trained on so far
 * @param loss mean training loss since the last record, in nats a token
 * @param learningRate of this step
 * @param gradientNorm global norm before clipping
 * @param tokensPerSecond over the training steps since the last record
 * @param secondsLeft estimate until the last step
 * @param validationLoss nats a token on the validation split
 * @param bitsPerByte the same in bits a byte of text, comparable across vocabularies
 * @param sample text the model wrote at this step
 * @param longestCopy longest run of characters in the sample that stands verbatim in the training text
 * @param verdict what is wrong with the run and what to do; null while it is healthy
 * @param measures what only some stages measure, by the field's names ({@code objective/kl}); null where there is nothing
 * @param utilisation model FLOP utilisation: a share of this machine's own matrix products, measured when the run began
 * @param updateRatios for each layer, how far this step moved its weights relative to their size
 * @param activationScales root mean square of the residual stream after each layer, on sequences of this step
 */
public record StepMetrics(
        String runId,
        long step,
        long steps,
        long tokens,
        Double loss,
        Double learningRate,
        Double gradientNorm,
        Double tokensPerSecond,
        Double secondsLeft,
        Double validationLoss,
        Double bitsPerByte,
        String sample,
        Integer longestCopy,
        String verdict,
        Instant at,
        Map<String, Double> measures,
        Double utilisation,
        List<Double> updateRatios,
        List<Double> activationScales) {

    public StepMetrics {
        Fields.id(runId, "run_id");
        Fields.notNegative(step, "step");
        Fields.require(steps >= step, "steps", steps + " is less than step " + step);
        Fields.notNegative(tokens, "tokens");
        Fields.required(at, "at");
        measures = measures == null ? null : Fields.copy(measures);
        updateRatios = updateRatios == null ? null : List.copyOf(updateRatios);
        activationScales = activationScales == null ? null : List.copyOf(activationScales);
    }

    /** What every stage measures. */
    public StepMetrics(
            String runId,
            long step,
            long steps,
            long tokens,
            Double loss,
            Double learningRate,
            Double gradientNorm,
            Double tokensPerSecond,
            Double secondsLeft,
            Double validationLoss,
            Double bitsPerByte,
            String sample,
            Integer longestCopy,
            String verdict,
            Instant at) {
        this(
                runId,
                step,
                steps,
                tokens,
                loss,
                learningRate,
                gradientNorm,
                tokensPerSecond,
                secondsLeft,
                validationLoss,
                bitsPerByte,
                sample,
                longestCopy,
                verdict,
                at,
                null,
                null,
                null,
                null);
    }

    /** The same with what only its stage measures, null where that is nothing. */
    public StepMetrics with(Map<String, Double> measured) {
        return new StepMetrics(
                runId,
                step,
                steps,
                tokens,
                loss,
                learningRate,
                gradientNorm,
                tokensPerSecond,
                secondsLeft,
                validationLoss,
                bitsPerByte,
                sample,
                longestCopy,
                verdict,
                at,
                measured,
                utilisation,
                updateRatios,
                activationScales);
    }

    /** The same with utilisation and with what was measured of each layer, null where nothing was. */
    public StepMetrics with(Double utilised, List<Double> ratios, List<Double> scales) {
        return new StepMetrics(
                runId,
                step,
                steps,
                tokens,
                loss,
                learningRate,
                gradientNorm,
                tokensPerSecond,
                secondsLeft,
                validationLoss,
                bitsPerByte,
                sample,
                longestCopy,
                verdict,
                at,
                measures,
                utilised,
                ratios,
                scales);
    }
}
