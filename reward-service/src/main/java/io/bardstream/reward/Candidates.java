package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Promotion;
import io.bardstream.event.PromotionDecision;
import io.bardstream.event.PromotionDecision.Outcome;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import io.bardstream.service.Worker;
import io.bardstream.training.DatasetException;
import io.bardstream.training.Facts;
import io.bardstream.training.JudgedPair;
import io.bardstream.training.PreferenceLog;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.KafkaException;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.jboss.logging.Logger;

/**
 * Decides by {@link CandidateRule} what becomes of the newest candidate since the last promotion, and says so on {@code
 * promotion-decisions} whenever the outcome or its reason is another than before. A rejected candidate is not looked at again.
 * Runs asked for by hand make no candidates. Looks when a checkpoint or a vote arrives, and every two seconds.
 */
@ApplicationScoped
class Candidates {
    private static final Logger LOG = Logger.getLogger(Candidates.class);
    private static final Set<Stage> STAGES = EnumSet.of(Stage.PPO, Stage.DPO);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(2);
    private static final int SECONDS_TO_ACKNOWLEDGE = 30;

    private final Facts facts;
    private final Promotions promotions;
    private final RewardModels models;
    private final Scores scores;
    private final PreferenceLog log;
    private final RewardConfig config;
    private final Judge judge;
    private final Emitter<Record<String, PromotionDecision>> published;
    private final Worker worker = new Worker("candidates", this::look);
    private Tally counted; // by the worker's thread alone

    Candidates(
            Facts facts,
            Promotions promotions,
            RewardModels models,
            Scores scores,
            PreferenceLog log,
            RewardConfig config,
            Judge judge,
            @Channel("decisions-out") Emitter<Record<String, PromotionDecision>> published) {
        this.facts = facts;
        this.promotions = promotions;
        this.models = models;
        this.scores = scores;
        this.log = log;
        this.config = config;
        this.judge = judge;
        this.published = published;
    }

    void start(@Observes StartupEvent event) {
        worker.start(BETWEEN_LOOKS);
    }

    void stop(@Observes ShutdownEvent event) {
        worker.stop();
    }

    void checkpoint(@Observes Checkpoint arrived) {
        if (STAGES.contains(arrived.stage())) {
            worker.wake();
        }
    }

    /** A vote has come. */
    void wake() {
        worker.wake();
    }

    private void look() throws InterruptedException {
        Optional<Promotion> serving = promotions.serving();
        Optional<Checkpoint> promoted = serving.flatMap(promotion -> facts.checkpoint(promotion.checkpoint()));
        Optional<Checkpoint> candidate = serving.flatMap(this::newest);
        if (promoted.isEmpty() || candidate.isEmpty()) {
            return;
        }
        try {
            decide(candidate.get(), promoted.get());
        } catch (KafkaException | DatasetException | ExecutionException | TimeoutException e) {
            LOG.warnf(
                    "Candidate %s could not be judged (%s); next try in 2 s",
                    candidate.get().id(), e.getMessage());
        }
    }

    private Optional<Checkpoint> newest(Promotion serving) {
        return facts.checkpoints().stream()
                .filter(checkpoint -> STAGES.contains(checkpoint.stage())
                        && checkpoint.requestedBy().equals(TrainingRequest.CURRICULUM)
                        && checkpoint.at().isAfter(serving.at()))
                .findFirst();
    }

    private void decide(Checkpoint candidate, Checkpoint promoted)
            throws InterruptedException, DatasetException, ExecutionException, TimeoutException {
        Optional<PromotionDecision> before = promotions.decided(candidate.id());
        if (before.isPresent() && before.get().outcome() != Outcome.WAIT) {
            return;
        }
        PromotionDecision decision =
                CandidateRule.decide(evidence(candidate, promoted), config.patience(), Instant.now());
        if (before.isPresent()
                && before.get().outcome() == decision.outcome()
                && before.get().reason().equals(decision.reason())) {
            return;
        }
        published
                .send(Record.of(candidate.id(), decision))
                .toCompletableFuture()
                .get(SECONDS_TO_ACKNOWLEDGE, TimeUnit.SECONDS);
        LOG.infof("Candidate %s: %s. %s", candidate.id(), decision.outcome().label(), decision.reason());
        promotions.decided(decision);
        judge.wake();
    }

    private CandidateRule.Evidence evidence(Checkpoint candidate, Checkpoint promoted)
            throws DatasetException, InterruptedException {
        Tally tally = tally(candidate.id(), promoted.id(), log.end());
        Scores.Gain gain = models.judge()
                .map(judge -> scores.gain(judge.id(), candidate.id(), promoted.id()))
                .orElse(new Scores.Gain(0, 0, 0));
        return new CandidateRule.Evidence(
                candidate, promoted, tally.wins(), tally.losses(), gain.texts(), gain.gain(), gain.error());
    }

    /** Votes on the two against each other, before an offset; a tie is half of one for each. */
    private record Tally(String candidate, String promoted, long end, double wins, double losses) {}

    /** The log is read again only when there are new votes, or other rivals. */
    private Tally tally(String candidate, String promoted, long end) throws DatasetException, InterruptedException {
        if (counted != null && counted.equals(new Tally(candidate, promoted, end, counted.wins(), counted.losses()))) {
            return counted;
        }
        double wins = 0;
        double losses = 0;
        for (JudgedPair pair : log.pairs(end, Set.of(), () -> false)) {
            boolean first = candidate.equals(pair.checkpointFirst()) && promoted.equals(pair.checkpointSecond());
            boolean second = candidate.equals(pair.checkpointSecond()) && promoted.equals(pair.checkpointFirst());
            if (first || second) {
                double share = first ? pair.preference() : 1 - pair.preference();
                wins += share * pair.votes();
                losses += (1 - share) * pair.votes();
            }
        }
        counted = new Tally(candidate, promoted, end, wins, losses);
        return counted;
    }
}
