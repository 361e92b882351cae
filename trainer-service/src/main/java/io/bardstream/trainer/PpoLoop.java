package io.bardstream.trainer;

import io.bardstream.checkpoint.Lineage;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.EventJson;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.StepMetrics;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.train.LrSchedule;
import io.bardstream.train.NotFiniteException;
import io.bardstream.train.Response;
import io.bardstream.training.EngineLineage;
import io.bardstream.training.ResumePoint;
import io.bardstream.training.Snapshot;
import io.bardstream.training.TrainingRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jboss.logging.Logger;

/**
 * A run of PPO: update after update, until all are done or {@link PpoGuards} stops it. What comes out is announced once: the
 * last update's policy, or, where a guard stopped the run, the last that was saved before; the run then fails with the reason.
 *
 * <p>A checkpoint is sound: it is saved after its policy's own responses have passed the guards, and what stands in its
 * metrics was measured of that policy. What goes on from one goes on to the bit. An interrupted run is left at its last
 * checkpoint.
 */
final class PpoLoop {
    private static final Logger LOG = Logger.getLogger(PpoLoop.class);

    /** The policy's responses with their scores, a JSON object a line, beside the weights. */
    static final String ROLLOUTS = "rollouts.jsonl";

    private static final String BETA = "objective/kl_coef_next";
    private static final int SAMPLES = 4;

    /** Makes the models, anew or from a checkpoint. */
    interface Models {
        PpoModels begin() throws IOException;

        PpoModels resume(Path checkpoint) throws IOException;
    }

    /** Makes what updates them, at a price of KL. */
    @FunctionalInterface
    interface Updates {
        Ppo of(PpoModels models, double beta);
    }

    private final TrainingRun run;
    private final Models models;
    private final Updates updates;
    private final Task held;
    private final Hyperparameters settings;
    private final LrSchedule schedule;
    private final PpoGuards guards;
    private final Map<String, Double> first = new TreeMap<>();

    private long tokens;
    private double beta;
    private Ppo.Learned learned; // in the update before

    /** @param held what the policy must not forget: its loss is measured */
    PpoLoop(TrainingRun run, Models models, Updates updates, Task held) {
        this.run = run;
        this.models = models;
        this.updates = updates;
        this.held = held;
        this.settings = run.request().hyperparameters();
        this.schedule =
                LrSchedule.of(settings.with(Map.of("steps", settings.steps() + 1))); // the last update learns, too
        this.guards = new PpoGuards(settings.ppo());
        this.beta = settings.ppo().klCoefficient();
    }

    /** Trains from the beginning, or on from where the run was left. */
    void train(Optional<ResumePoint> resume) throws IOException, InterruptedException {
        long begun = resume.map(this::restore).orElse(0L);
        long update = begun;
        try (PpoModels actors = resume.isPresent() ? models.resume(resume.get().folder()) : models.begin()) {
            Ppo ppo = updates.of(actors, beta);
            while (!run.interrupted()) {
                Ppo.Look look = looked(ppo, update); // at the policy after so many updates, which is sound or it throws
                boolean last = update == settings.steps();
                Optional<Task.Validation> validation = last || update % settings.evaluationInterval() == 0
                        ? Optional.of(held.validate(actors.policy()))
                        : Optional.empty();
                if (update > begun && (last || update % settings.checkpointInterval() == 0)) {
                    save(update, last, actors, look, validation);
                }
                if (last) {
                    break;
                }
                double share = schedule.at(update) / settings.learningRate();
                learned = learned(ppo, update, look, share);
                beta = ppo.beta();
                update++;
                report(update, look, validation);
            }
        } catch (UnsoundUpdateException e) {
            returnToTheLastGoodState(Math.min(update + 1, settings.steps()), e);
        }
    }

    private Ppo.Look looked(Ppo ppo, long update) throws UnsoundUpdateException {
        Ppo.Look look = ppo.look(update);
        for (String name : List.of(PpoGuards.ENTROPY, PpoGuards.LENGTH, PpoGuards.DISTINCT)) {
            first.putIfAbsent(PpoGuards.FIRST + name, look.measured().get(name));
        }
        Map<String, Double> measured = new TreeMap<>(look.measured());
        measured.putAll(first);
        Optional<String> problem = guards.looked(measured);
        if (problem.isPresent()) {
            throw new UnsoundUpdateException(problem.get(), null);
        }
        return look;
    }

    private Ppo.Learned learned(Ppo ppo, long update, Ppo.Look look, double share) throws UnsoundUpdateException {
        tokens += said(look);
        Ppo.Learned done;
        try {
            done = ppo.learn(
                    update,
                    look,
                    share * settings.learningRate(),
                    share * settings.ppo().criticLearningRate());
        } catch (NotFiniteException e) {
            throw new UnsoundUpdateException(e.getMessage(), e);
        }
        Optional<String> problem = guards.learned(done.measured());
        if (problem.isPresent()) {
            throw new UnsoundUpdateException(problem.get(), null);
        }
        return done;
    }

    private static int said(Ppo.Look look) {
        return look.experience().responses().stream()
                .mapToInt(response -> response.tokens().length)
                .sum();
    }

    /** Announces the policy as it was when it was last saved, under the number of the update that went wrong. */
    private void returnToTheLastGoodState(long update, UnsoundUpdateException cause)
            throws IOException, InterruptedException {
        Optional<ResumePoint> good = run.resume();
        String state = "there is none yet: the policy is " + run.request().parent();
        if (good.isPresent()) {
            Path folder = good.get().folder();
            try (PpoModels actors = models.resume(folder)) {
                Map<String, Double> measured = new TreeMap<>(good.get().metrics());
                Path rollouts = folder.resolve(ROLLOUTS);
                run.save(new Snapshot(
                        update, true, TrainingLoop.config(run, actors.policy()), engine(actors), measured, into -> {
                            actors.save(into);
                            Files.copy(rollouts, into.resolve(ROLLOUTS));
                        }));
            }
            state = "the policy is back at update " + good.get().step();
        }
        String reason =
                "Stopped at update " + update + ": " + cause.getMessage() + ". Of the last good state: " + state;
        run.report(metrics(update, null, Optional.empty(), null, reason, null));
        throw new IllegalStateException(reason, cause);
    }

    private void report(long update, Ppo.Look look, Optional<Task.Validation> validation) {
        Map<String, Double> measures = new TreeMap<>(look.measured());
        measures.putAll(learned.measured());
        look.seconds().forEach((part, seconds) -> measures.put("time/" + part, seconds));
        measures.put("time/update", learned.seconds());
        measures.put("ppo/samples", (double) update * settings.ppo().rollouts());
        double seconds = learned.seconds()
                + look.seconds().values().stream()
                        .mapToDouble(Double::doubleValue)
                        .sum();
        boolean sampled = settings.sampleInterval() > 0 && (update == 1 || update % settings.sampleInterval() == 0);
        LOG.infof(
                "Run %s: update %d of %d, score %.3f, KL %.3f",
                run.request().runId(),
                update,
                settings.steps(),
                measures.get("objective/scores"),
                measures.get(PpoGuards.KL));
        run.report(metrics(
                update, said(look) / seconds, validation, sampled ? samples(look.experience()) : null, null, measures));
    }

    private StepMetrics metrics(
            long update,
            Double tokensPerSecond,
            Optional<Task.Validation> validation,
            String sample,
            String verdict,
            Map<String, Double> measures) {
        return new StepMetrics(
                        run.request().runId(),
                        update,
                        settings.steps(),
                        tokens,
                        measures == null ? null : measures.get("ppo/loss/policy"),
                        schedule.at(update - 1),
                        null,
                        tokensPerSecond,
                        null,
                        validation.map(Task.Validation::loss).orElse(null),
                        validation.map(Task.Validation::bitsPerByte).orElse(null),
                        sample,
                        null,
                        verdict,
                        Instant.now())
                .with(measures);
    }

    /** Some responses with their scores. */
    private String samples(Experience seen) {
        BpeTokenizer tokenizer = run.tokenizer();
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < Math.min(SAMPLES, seen.scores().length); i++) {
            text.append("%+.2f  %s%n"
                    .formatted(
                            seen.scores()[i],
                            tokenizer.decode(seen.responses().get(i).text())));
        }
        return text.toString();
    }

    private void save(
            long update, boolean announced, PpoModels actors, Ppo.Look look, Optional<Task.Validation> validation)
            throws IOException, InterruptedException {
        Map<String, Double> measured = new TreeMap<>(look.measured());
        measured.putAll(learned.measured());
        measured.putAll(first);
        measured.put(BETA, beta);
        measured.put(Checkpoint.TOKENS, (double) tokens);
        validation.ifPresent(result -> {
            measured.put(Checkpoint.VALIDATION_LOSS, result.loss());
            if (announced) {
                measured.put(TrainingRun.BEST_VALIDATION_LOSS, result.loss());
            }
            if (result.bitsPerByte() != null) {
                measured.put(Checkpoint.BITS_PER_BYTE, result.bitsPerByte());
            }
        });
        run.save(new Snapshot(
                update, announced, TrainingLoop.config(run, actors.policy()), engine(actors), measured, folder -> {
                    actors.save(folder);
                    Files.writeString(folder.resolve(ROLLOUTS), rollouts(look.experience()));
                }));
    }

    private static Lineage.Engine engine(PpoModels actors) {
        return EngineLineage.of(actors.policy().compute());
    }

    /** A response as it stands in {@link #ROLLOUTS}. */
    record Rolled(String prompt, String response, boolean ended, double score, double kl) {}

    private String rollouts(Experience seen) {
        BpeTokenizer tokenizer = run.tokenizer();
        double[] kl = seen.kl();
        List<String> lines = new ArrayList<>();
        IntStream.range(0, kl.length).forEach(i -> {
            Response response = seen.responses().get(i);
            lines.add(new String(
                    EventJson.write(new Rolled(
                            tokenizer.decode(response.prompt()),
                            tokenizer.decode(response.said()),
                            response.ended(),
                            seen.scores()[i],
                            kl[i])),
                    java.nio.charset.StandardCharsets.UTF_8));
        });
        return String.join("\n", lines) + "\n";
    }

    /** Takes up what {@link #save} left; weights and optimizers are read apart. */
    private long restore(ResumePoint point) {
        beta = point.metrics().get(BETA);
        tokens = point.metrics().get(Checkpoint.TOKENS).longValue();
        point.metrics().forEach((name, value) -> {
            if (name.startsWith(PpoGuards.FIRST)) {
                first.put(name, value);
            }
        });
        return point.step();
    }

    /** An update that a guard did not let pass. */
    private static final class UnsoundUpdateException extends Exception {
        private static final long serialVersionUID = 1;

        UnsoundUpdateException(String reason, Throwable cause) {
            super(reason, cause);
        }
    }
}
