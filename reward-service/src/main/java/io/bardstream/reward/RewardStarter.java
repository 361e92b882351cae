package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Curriculum;
import io.bardstream.event.Dataset;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import io.bardstream.training.DatasetException;
import io.bardstream.training.Facts;
import io.bardstream.training.JudgedPair;
import io.bardstream.training.NewRun;
import io.bardstream.training.PreferenceDatasets;
import io.bardstream.training.PreferenceLog;
import io.bardstream.training.Run;
import io.bardstream.training.RunQueue;
import io.quarkus.scheduler.Scheduled;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.KafkaException;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Asks for a reward model when enough pairs have been judged since the last one the curriculum trained, from the policy that
 * serves, once that has been tuned on instructions. Looks every two seconds at where the votes end, and reads them when there
 * are new ones.
 */
@ApplicationScoped
class RewardStarter {
    private static final Logger LOG = Logger.getLogger(RewardStarter.class);

    private final boolean on;
    private final RewardConfig config;
    private final Promotions promotions;
    private final Facts facts;
    private final PreferenceLog log;
    private final RunQueue queue;
    private final RewardStage stage;
    private String lookedAt;

    RewardStarter(
            @ConfigProperty(name = "bardstream.curriculum") boolean on,
            RewardConfig config,
            Promotions promotions,
            Facts facts,
            PreferenceLog log,
            RunQueue queue,
            RewardStage stage) {
        this.on = on;
        this.config = config;
        this.promotions = promotions;
        this.facts = facts;
        this.log = log;
        this.queue = queue;
        this.stage = stage;
    }

    @Scheduled(
            every = "2s",
            concurrentExecution = Scheduled.ConcurrentExecution.SKIP,
            skipExecutionIf = Scheduled.ApplicationNotRunning.class)
    void look() throws InterruptedException {
        try {
            Optional<Checkpoint> policy = on ? policy() : Optional.empty();
            if (policy.isPresent()) {
                long end = log.end();
                String now = policy.get().id() + " " + end;
                if (!now.equals(lookedAt)) {
                    lookedAt = now;
                    startIfDue(policy.get(), end);
                }
            }
        } catch (InvalidFieldException e) {
            LOG.warnf("No reward model is trained yet: %s", e.getMessage());
        } catch (KafkaException | DatasetException e) {
            lookedAt = null;
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

    private void startIfDue(Checkpoint policy, long end) throws DatasetException, InterruptedException {
        Optional<Dataset> last = queue.all().stream()
                .map(Run::trainingRequest)
                .filter(request ->
                        request.stage() == Stage.REWARD && request.requestedBy().equals(TrainingRequest.CURRICULUM))
                .max(Comparator.comparing(TrainingRequest::at))
                .flatMap(request -> facts.dataset(request.dataset()));
        long before = last.isPresent() ? decided(PreferenceDatasets.end(last.get())) : 0;
        if (decided(end) - before < config.newPairs()) {
            return;
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
        }
    }

    private long decided(long end) throws DatasetException, InterruptedException {
        return log.pairs(end, Set.of(), () -> false).stream()
                .filter(JudgedPair::decided)
                .count();
    }
}
