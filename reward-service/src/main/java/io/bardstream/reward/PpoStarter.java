package io.bardstream.reward;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Curriculum;
import io.bardstream.event.Dataset;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.service.BardstreamHome;
import io.bardstream.service.BundledPrompts;
import io.bardstream.service.Worker;
import io.bardstream.train.Preset;
import io.bardstream.training.DatasetException;
import io.bardstream.training.Facts;
import io.bardstream.training.JudgedPair;
import io.bardstream.training.PreferenceDatasets;
import io.bardstream.training.PreferenceLog;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.apache.kafka.common.KafkaException;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.jboss.logging.Logger;

/**
 * Asks the trainer for PPO when the curriculum's newest reward model has passed its gate: from the policy that serves, which is
 * the reference too, on the prompts that people have judged and the bundled ones, less those held out. One reward model
 * asks once; a request that was perhaps published before a crash is published again, with the id it had. Looks when a
 * checkpoint is announced, and every two seconds.
 */
@ApplicationScoped
class PpoStarter {
    private static final Logger LOG = Logger.getLogger(PpoStarter.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(2);
    private static final int SECONDS_TO_ACKNOWLEDGE = 30;

    private final boolean on;
    private final Promotions promotions;
    private final Facts facts;
    private final RewardModels models;
    private final PreferenceLog log;
    private final BardstreamHome home;
    private final int threads;
    private final Emitter<Record<String, TrainingRequest>> requests;
    private final Worker worker = new Worker("ppo-starter", this::look);
    private String lookedAt; // by the worker's thread alone

    PpoStarter(
            @ConfigProperty(name = "bardstream.curriculum") boolean on,
            Promotions promotions,
            Facts facts,
            RewardModels models,
            PreferenceLog log,
            BardstreamHome home,
            @ConfigProperty(name = "bardstream.threads") int threads,
            @Channel("ppo-requests") Emitter<Record<String, TrainingRequest>> requests) {
        this.on = on;
        this.promotions = promotions;
        this.facts = facts;
        this.models = models;
        this.log = log;
        this.home = home;
        this.threads = threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
        this.requests = requests;
    }

    void start(@Observes StartupEvent event) {
        if (on) {
            worker.start(BETWEEN_LOOKS);
        }
    }

    void stop(@Observes ShutdownEvent event) {
        worker.stop();
    }

    void checkpoint(@Observes Checkpoint arrived) {
        if (on && arrived.stage() == Stage.REWARD) {
            worker.wake();
        }
    }

    private void look() throws InterruptedException {
        Optional<Checkpoint> newest = models.all().stream()
                .filter(model -> model.requestedBy().equals(TrainingRequest.CURRICULUM))
                .findFirst();
        if (newest.isEmpty() || newest.get().id().equals(lookedAt)) {
            return;
        }
        Checkpoint reward = newest.get();
        RewardGate gate = RewardGate.of(reward.metrics());
        try {
            if (!gate.passed()) {
                LOG.infof("%s starts no PPO. %s", reward.id(), gate.reason());
            } else if (!promotions.asked(reward.id())) {
                ask(reward);
            }
            lookedAt = reward.id();
        } catch (IOException | KafkaException | ExecutionException | TimeoutException e) {
            LOG.warnf("PPO for %s could not be asked for (%s); next try in 2 s", reward.id(), e.getMessage());
        }
    }

    private void ask(Checkpoint reward) throws IOException, InterruptedException, ExecutionException, TimeoutException {
        Checkpoint policy = promotions
                .serving()
                .flatMap(promotion -> facts.checkpoint(promotion.checkpoint()))
                .filter(serving -> serving.tokenizerSha256().equals(reward.tokenizerSha256()))
                .or(() -> facts.checkpoint(reward.parent()))
                .orElseThrow(() -> new IOException("its policy is not known here"));
        GptConfig shape =
                GptConfig.of(HuggingFaceFormat.readConfig(home.checkpoints().resolve(policy.path())));
        Preset preset = Preset.like(shape);
        Hyperparameters settings = preset.ppo()
                .with(Map.of(
                        "context_length", shape.contextLength(),
                        "dtype", Compute.preferredPrecision().dtype(),
                        "threads", threads));
        List<String> prompts = prompts(reward);
        TrainingRequest request = Curriculum.ppo(reward, policy, prompts, preset.name(), settings, Clock.systemUTC());
        requests.send(Record.of(request.runId(), request))
                .toCompletableFuture()
                .get(SECONDS_TO_ACKNOWLEDGE, TimeUnit.SECONDS);
        promotions.asked(reward.id(), request.runId());
        LOG.infof("%s passed its gate and starts %s from %s", reward.id(), request.runId(), policy.id());
    }

    /** What people have judged, and what comes with Bardstream, each prompt once; never a held-out one. */
    private List<String> prompts(Checkpoint reward) throws DatasetException, InterruptedException {
        Dataset dataset = facts.dataset(reward.dataset()).orElseThrow();
        Stream<String> judged = log.pairs(PreferenceDatasets.end(dataset), Set.of(), () -> false).stream()
                .map(JudgedPair::prompt)
                .filter(prompt -> !prompt.isBlank());
        return Stream.concat(judged, BundledPrompts.all().stream())
                .filter(prompt -> !JudgedPair.isHeldOut(prompt))
                .distinct()
                .toList();
    }
}
