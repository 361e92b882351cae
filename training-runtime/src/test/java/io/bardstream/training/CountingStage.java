package io.bardstream.training;

import static java.util.Map.entry;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.checkpoint.SafeTensors;
import io.bardstream.checkpoint.SafeTensorsWriter;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.Stage;
import io.bardstream.event.StepMetrics;
import io.bardstream.event.TrainingRequest;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Trains a model of one number, which takes in a token a step: all of the runtime with none of the tensors. */
@ApplicationScoped
public class CountingStage implements StageTraining {
    static final int STEPS = 20;
    private static final int UNGATED = 1_000_000_000;

    /** One permit a step. */
    static final Semaphore GATE = new Semaphore(UNGATED);

    private final Facts facts;

    CountingStage(Facts facts) {
        this.facts = facts;
    }

    /** From now on a step waits for a permit. */
    static void close() {
        GATE.drainPermits();
    }

    static void open() {
        GATE.drainPermits();
        GATE.release(UNGATED);
    }

    @Override
    public Stage stage() {
        return Stage.PRETRAIN;
    }

    @Override
    public String preset(String name) {
        return name.equals("auto") ? "tiny" : name;
    }

    @Override
    public Hyperparameters hyperparameters(String preset, String dataset, Map<String, ?> overrides) {
        if (!preset.equals("tiny")) {
            throw new InvalidFieldException("preset", "'" + preset + "' is not a preset; there is tiny");
        }
        return Hyperparameters.DEFAULTS
                .with(Map.ofEntries(
                        entry("learning_rate", 0.01),
                        entry("warmup_steps", 2),
                        entry("steps", STEPS),
                        entry("batch_size", 1),
                        entry("gradient_accumulation", 1),
                        entry("context_length", 8),
                        entry("evaluation_interval", 5),
                        entry("evaluation_batches", 0),
                        entry("checkpoint_interval", 4),
                        entry("sample_interval", 0),
                        entry("dtype", "float32")))
                .with(overrides);
    }

    @Override
    public boolean suits(String preset, Dataset dataset, boolean trained) {
        return true;
    }

    @Override
    public void check(TrainingRequest request) {
        if (facts.dataset(request.dataset()).isEmpty()) {
            throw new InvalidFieldException("dataset", "'" + request.dataset() + "' is not known");
        }
    }

    @Override
    public boolean ready(TrainingRequest request) {
        return facts.dataset(request.dataset())
                .flatMap(dataset -> facts.tokenizer(dataset.tokenizer()))
                .isPresent();
    }

    @Override
    public void train(TrainingRun run) throws Exception {
        Hyperparameters parameters = run.request().hyperparameters();
        TokenFile tokens = run.tokens(Split.TRAIN);
        long step = 0;
        float weight = 1;
        var resumed = run.resume();
        if (resumed.isPresent()) {
            step = resumed.get().step();
            try (SafeTensors file = SafeTensors.open(resumed.get().folder().resolve(HuggingFaceFormat.WEIGHTS))) {
                weight = file.data("weight").getFloat();
            }
        }
        int[] token = new int[1];
        while (step < parameters.steps() && !run.interrupted()) {
            if (!GATE.tryAcquire(20, TimeUnit.MILLISECONDS)) {
                continue;
            }
            tokens.copy(step * 31 % tokens.size(), token);
            weight = weight * 0.9f + token[0];
            step++;
            if (Float.isNaN(weight)) {
                throw new IllegalStateException("the weight is not a number at step " + step);
            }
            boolean evaluate = step % parameters.evaluationInterval() == 0;
            Double loss = evaluate ? 5 - 0.1 * step : null;
            run.report(new StepMetrics(
                    run.request().runId(),
                    step,
                    parameters.steps(),
                    step,
                    5.0,
                    0.01,
                    1.0,
                    10.0,
                    1.0,
                    loss,
                    null,
                    null,
                    null,
                    step > 10 ? "The loss stands still" : null,
                    Instant.now()));
            if (evaluate || step % parameters.checkpointInterval() == 0 || run.interrupted()) {
                save(run, step, weight, loss);
            }
        }
    }

    private static void save(TrainingRun run, long step, float weight, Double loss)
            throws IOException, InterruptedException {
        Map<String, Double> metrics = loss == null
                ? Map.of()
                : Map.of(Checkpoint.VALIDATION_LOSS, loss, TrainingRun.BEST_VALIDATION_LOSS, loss);
        run.save(new Snapshot(
                step,
                loss != null,
                ModelConfig.of(
                        run.tokenizer().vocabularySize(),
                        8,
                        4,
                        1,
                        1,
                        run.tokenizer().endOfText(),
                        null),
                new Lineage.Engine("float32", 1, "cpu", "none", "0".repeat(64), "none"),
                metrics,
                folder -> {
                    for (String name : new String[] {HuggingFaceFormat.WEIGHTS, HuggingFaceFormat.OPTIMIZER}) {
                        new SafeTensorsWriter()
                                .add("weight", new float[] {weight}, 1)
                                .write(folder.resolve(name));
                    }
                }));
    }
}
