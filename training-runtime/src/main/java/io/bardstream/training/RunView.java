package io.bardstream.training;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import java.time.Instant;
import java.util.List;

/**
 * A run as {@code /v1/runs} shows it; every key is always there.
 *
 * @param bestValidationLoss nats a token, of {@code checkpoint}
 * @param bitsPerByte of {@code checkpoint}
 * @param checkpoint the run's best so far
 * @param secondsLeft estimate, while it runs
 * @param verdict what is wrong with the training and what to do; null while it is healthy
 */
@JsonInclude(JsonInclude.Include.ALWAYS)
public record RunView(
        String id,
        Stage stage,
        RunStatus status,
        String dataset,
        String preset,
        String parent,
        String reward,
        long seed,
        String requestedBy,
        String replayOf,
        Long until,
        List<String> excludedAnnotators,
        long step,
        long steps,
        long tokens,
        Double bestValidationLoss,
        Double bitsPerByte,
        Double tokensPerSecond,
        Double secondsLeft,
        String checkpoint,
        String error,
        String verdict,
        Instant createdAt,
        Instant startedAt,
        Instant endedAt,
        Hyperparameters hyperparameters) {

    static RunView of(Run run) {
        TrainingRequest request = run.trainingRequest();
        return new RunView(
                run.id,
                run.stage,
                run.status,
                run.dataset,
                request.preset(),
                request.parent(),
                request.reward(),
                request.seed(),
                request.requestedBy(),
                request.replayOf(),
                request.until(),
                request.excludedAnnotators(),
                run.step,
                run.steps,
                run.tokens,
                run.bestValidationLoss,
                run.bitsPerByte,
                run.tokensPerSecond,
                run.secondsLeft,
                run.checkpoint,
                run.error,
                run.verdict,
                run.createdAt,
                run.startedAt,
                run.endedAt,
                request.hyperparameters());
    }
}
