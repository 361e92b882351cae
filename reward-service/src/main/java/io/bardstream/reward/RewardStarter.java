package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Curriculum;
import io.bardstream.event.Dataset;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import io.bardstream.service.Worker;
import io.bardstream.training.DatasetException;
import io.bardstream.training.Facts;
import io.bardstream.training.JudgedPair;
import io.bardstream.training.NewRun;
import io.bardstream.training.PreferenceDatasets;
import io.bardstream.training.PreferenceLog;
import io.bardstream.training.Run;
import io.bardstream.training.RunQueue;
import io.bardstream.training.RunWorker;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.KafkaException;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Asks for a reward model when enough pairs have been judged since the last one the curriculum trained, from the policy that
 * serves, once that has been tuned on instructions. Looks when a vote arrives, and every two seconds; since a vote decides one
 * pair at most, it reads the votes no sooner than there may be enough.
 */
@ApplicationScoped
class RewardStarter {
    private static final Logger LOG = Logger.getLogger(RewardStarter.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(2);

    private final boolean on;
    private final RewardConfig config;
    private final Promotions promotions;
    private final Facts facts;
    private final PreferenceLog log;
    private final RunQueue queue;
    private final RewardStage stage;
    private final RunWorker trainings;
    private final Worker worker = new Worker("reward-starter", this::look);
    private String policyLookedAt; // these two by the worker's thread alone
    private long enoughFrom;

    RewardStarter(
            @ConfigProperty(name = "bardstream.curriculum") boolean on,
            RewardConfig config,
            Promotions promotions,
            Facts facts,
            PreferenceLog log,
            RunQueue queue,
            RewardStage stage,
            RunWorker trainings) {
        this.on = on;
        this.config = config;
        this.promotions = promotions;
        this.facts = facts;
        this.log = log;
        this.queue = queue;
        this.stage = stage;
        this.trainings = trainings;
    }

    void start(@Observes StartupEvent event) {
        if (on) {
            worker.start(BETWEEN_LOOKS);
        }
    }

    void stop(@Observes ShutdownEvent event) {
        worker.stop();
    }

    /** A vote has come. */
    void wake() {
        if (on) {
            worker.wake();
        }
    }

    private void look() throws InterruptedException {
        Optional<Checkpoint> policy = policy();
        if (policy.isEmpty()) {
            return;
        }
        if (!policy.get().id().equals(policyLookedAt)) {
            policyLookedAt = policy.get().id();
            enoughFrom = 0;
        }
        try {
            long end = log.end();
            if (end >= enoughFrom) {
                enoughFrom = end + 1; // where the request is refused it is tried again with the next vote
                enoughFrom = end + startIfDue(policy.get(), end);
            }
        } catch (InvalidFieldException e) {
            LOG.warnf("No reward model is trained yet: %s", e.getMessage());
        } catch (KafkaException | DatasetException e) {
            enoughFrom = 0;
            LOG.warnf("The votes cannot be read now: %s", e.getMessage());
        }
    }

    /** The policy that serves, when it has been tuned on instructions and its vocabulary is known here. */
    private Optional<Checkpoint> policy() {
        return promotions
                .serving()
                .flatMap(promotion -> facts.checkpoint(promotion.checkpoint()))
                .filter(checkpoint -> checkpoint.stage() != Stage.PRETRAIN
                        && facts.tokenizerOf(checkpoint.tokenizerSha256()).isPresent());
    }

    /** Starts a reward model if there are enough new pairs; how many votes at least it takes until the next. */
    private long startIfDue(Checkpoint policy, long end) throws DatasetException, InterruptedException {
        Optional<Dataset> last = queue.all().stream()
                .map(Run::trainingRequest)
                .filter(request ->
                        request.stage() == Stage.REWARD && request.requestedBy().equals(TrainingRequest.CURRICULUM))
                .max(Comparator.comparing(TrainingRequest::at))
                .flatMap(request -> facts.dataset(request.dataset()));
        long before = last.isPresent() ? decided(PreferenceDatasets.end(last.get())) : 0;
        long missing = config.newPairs() - (decided(end) - before);
        if (missing > 0) {
            return missing;
        }
        NewRun asked = stage.complete(
                new NewRun(Stage.REWARD, null, null, policy.id(), null, null, Map.of(), null, null, null, null));
        Dataset preferences = facts.dataset(asked.dataset()).orElseThrow();
        String preset = stage.preset(policy.id());
        TrainingRequest request = Curriculum.reward(
                preferences,
                policy,
                preset,
                stage.hyperparameters(preset, preferences.id(), asked.hyperparameters()),
                Clock.systemUTC());
        stage.check(request);
        if (queue.submit(request)) {
            LOG.infof("The votes before offset %d start %s", PreferenceDatasets.end(preferences), request.runId());
            trainings.wake();
        }
        return config.newPairs();
    }

    private long decided(long end) throws DatasetException, InterruptedException {
        return log.pairs(end, Set.of(), () -> false).stream()
                .filter(JudgedPair::decided)
                .count();
    }
}
