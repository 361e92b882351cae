package io.bardstream.training;

import io.bardstream.event.Stage;
import io.bardstream.event.StepMetrics;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * What Prometheus reads of training. Gauges tell what the run that is trained in this process measured last, and are
 * NaN while none is, or where it has not measured that yet.
 */
@ApplicationScoped
class TrainingMetrics {
    private final MeterRegistry registry;
    private volatile StepMetrics last;
    private volatile StepMetrics lastEvaluation;

    TrainingMetrics(MeterRegistry registry) {
        this.registry = registry;
        ofStep("step", "Optimizer steps done", measured -> (double) measured.step());
        ofStep("steps", "Optimizer steps planned", measured -> (double) measured.steps());
        ofStep("tokens", "Tokens trained on so far", measured -> (double) measured.tokens());
        ofStep("loss", "Training loss, in nats a token", StepMetrics::loss);
        ofStep("learning.rate", "Learning rate", StepMetrics::learningRate);
        ofStep("gradient.norm", "Global norm of the gradient before clipping", StepMetrics::gradientNorm);
        ofStep("tokens.per.second", "Tokens trained on a second", StepMetrics::tokensPerSecond);
        ofStep("seconds.left", "Estimate of the time until the last step", StepMetrics::secondsLeft);
        gauge(
                "validation.loss",
                "Validation loss, in nats a token",
                () -> number(lastEvaluation, StepMetrics::validationLoss));
    }

    /** A step of the run that is trained here. */
    void measured(StepMetrics measured) {
        last = measured;
        if (measured.validationLoss() != null) {
            lastEvaluation = measured;
        }
    }

    /** This process trains the run no more. */
    void left(Stage stage, RunStatus status) {
        last = null;
        lastEvaluation = null;
        Counter.builder("bardstream.training.runs")
                .description("Runs that ended here or were given back (status running), by stage and status")
                .tag("stage", stage.label())
                .tag("status", status.label())
                .register(registry)
                .increment();
    }

    private void ofStep(String name, String description, Function<StepMetrics, Double> value) {
        gauge(name, description, () -> number(last, value));
    }

    private void gauge(String name, String description, Supplier<Number> value) {
        Gauge.builder("bardstream.training." + name, value)
                .description(description)
                .register(registry);
    }

    private static double number(StepMetrics measured, Function<StepMetrics, Double> value) {
        Double number = measured == null ? null : value.apply(measured);
        return number == null ? Double.NaN : number;
    }
}
