package io.bardstream.reward;

import io.bardstream.train.BradleyTerry;
import java.util.List;

/**
 * A linear reward fitted to preferences on fixed features: Bradley and Terry's model with a ridge, which is logistic
 * regression on the differences of features without an intercept. The loss is convex and the fit its one minimum, found by
 * Newton's method with conjugate gradients (Nocedal and Wright 2006, algorithm 7.1), in double precision on one thread: the
 * same bits everywhere.
 */
final class HeadFit {
    private static final int MOST_STEPS = 100;
    private static final int MOST_DIRECTIONS = 200;
    private static final double GRADIENT = 1e-9;

    private final List<Example> examples;
    private final double ridge;
    private final double total;
    private final int width;

    /** The features of one text less those of the other, and what people think of the two. */
    @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
    record Example(double[] difference, double preference, double weight) {}

    private HeadFit(List<Example> examples, double ridge) {
        this.examples = examples;
        this.ridge = ridge;
        this.total = examples.stream().mapToDouble(Example::weight).sum();
        this.width = examples.get(0).difference().length;
    }

    /**
     * The weights w with the least mean loss plus ridge/2·|w|².
     *
     * @param ridge above 0
     */
    static double[] fit(List<Example> examples, double ridge) {
        return new HeadFit(examples, ridge).minimum();
    }

    private double[] minimum() {
        double[] w = new double[width];
        for (int step = 0; step < MOST_STEPS; step++) {
            double[] gradient = gradient(w);
            if (Math.sqrt(dot(gradient, gradient)) < GRADIENT) {
                break;
            }
            double[] direction = newton(w, gradient);
            double loss = loss(w);
            double slope = dot(gradient, direction);
            double length = 1;
            while (length > 1e-6 && loss(plus(w, length, direction)) > loss + 1e-4 * length * slope) {
                length /= 2;
            }
            w = plus(w, length, direction);
        }
        return w;
    }

    private double loss(double... w) {
        double sum = 0;
        for (Example example : examples) {
            sum += example.weight() * BradleyTerry.loss(dot(w, example.difference()), example.preference());
        }
        return sum / total + ridge / 2 * dot(w, w);
    }

    private double[] gradient(double... w) {
        double[] gradient = plus(new double[width], ridge, w);
        for (Example example : examples) {
            double slope = BradleyTerry.slope(dot(w, example.difference()), example.preference());
            add(gradient, example.weight() / total * slope, example.difference());
        }
        return gradient;
    }

    /** The Hessian at w times a direction: Σ σ(d)·σ(−d)·x·xᵀ + ridge. */
    private double[] curvature(double[] w, double... direction) {
        double[] product = plus(new double[width], ridge, direction);
        for (Example example : examples) {
            double p = BradleyTerry.probability(dot(w, example.difference()));
            double along = dot(direction, example.difference());
            add(product, example.weight() / total * p * (1 - p) * along, example.difference());
        }
        return product;
    }

    /** Solves Hessian·direction = −gradient. */
    private double[] newton(double[] w, double... gradient) {
        double[] direction = new double[width];
        double[] residual = plus(new double[width], -1, gradient);
        double[] search = residual.clone();
        double norm = dot(residual, residual);
        double enough = norm * 1e-20;
        for (int i = 0; i < MOST_DIRECTIONS && norm > enough; i++) {
            double[] product = curvature(w, search);
            double step = norm / dot(search, product);
            add(direction, step, search);
            add(residual, -step, product);
            double next = dot(residual, residual);
            search = plus(residual, next / norm, search);
            norm = next;
        }
        return direction;
    }

    static double dot(double[] a, double... b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static void add(double[] to, double times, double... what) {
        for (int i = 0; i < to.length; i++) {
            to[i] += times * what[i];
        }
    }

    private static double[] plus(double[] a, double times, double... b) {
        double[] sum = a.clone();
        add(sum, times, b);
        return sum;
    }
}
