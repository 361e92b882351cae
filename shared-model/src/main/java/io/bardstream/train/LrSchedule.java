package io.bardstream.train;

import io.bardstream.event.Hyperparameters;

/**
 * The learning rate at each step: a linear warm-up from near zero to the peak, then a decay to a floor that the last
 * step reaches, by half a cosine (Radford et al. 2018) or by a straight line.
 *
 * @param peak learning rate after the warm-up
 * @param floor learning rate of the last step
 * @param warmupSteps steps of warm-up; the first takes {@code peak / warmupSteps}
 * @param steps steps in all; later ones stay at the floor
 */
public record LrSchedule(double peak, double floor, long warmupSteps, long steps, Decay decay) {
    /** The curve between peak and floor. */
    public enum Decay {
        COSINE,
        LINEAR
    }

    public LrSchedule {
        if (!(peak > 0) || !(floor >= 0) || floor > peak || Double.isInfinite(peak)) {
            throw new IllegalArgumentException("the schedule runs from " + peak + " down to " + floor
                    + "; it takes 0 <= floor <= peak and a peak above 0");
        }
        if (warmupSteps < 0 || steps < 1 || warmupSteps > steps) {
            throw new IllegalArgumentException("warmup_steps is " + warmupSteps + " and steps " + steps
                    + "; it takes 0 <= warmup_steps <= steps and at least one step");
        }
    }

    /** The schedule that a run's hyperparameters describe. */
    public static LrSchedule of(Hyperparameters run) {
        return new LrSchedule(
                run.learningRate(),
                run.learningRate() * run.minLearningRate(),
                run.warmupSteps(),
                run.steps(),
                run.schedule().equals("linear") ? Decay.LINEAR : Decay.COSINE);
    }

    /** The learning rate of a step, counted from 0. */
    public double at(long step) {
        if (step < warmupSteps) {
            return peak * (step + 1) / warmupSteps;
        }
        long last = steps - 1;
        if (step >= last) {
            return floor;
        }
        double progress = (double) (step - warmupSteps + 1) / (last - warmupSteps + 1);
        return switch (decay) {
            case COSINE -> floor + (peak - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
            case LINEAR -> peak + (floor - peak) * progress;
        };
    }
}
