package io.bardstream.inference;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Promotion;
import io.bardstream.event.Stage;
import io.bardstream.kernel.Compute;
import io.bardstream.service.ApiException;
import io.bardstream.service.BardstreamHome;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jboss.logging.Logger;

/**
 * Which models there are, and which of them are in memory. What was announced and promoted is learned from the topics; one
 * thread loads, beside whatever is being decoded.
 *
 * <p>The promoted policy changes only when its successor has been verified and loaded completely. A successor that cannot
 * be loaded is logged and counted, and the policy before it goes on serving; where nothing serves yet, the newest earlier
 * promotion that loads does.
 */
@ApplicationScoped
public class Models {
    private static final Logger LOG = Logger.getLogger(Models.class);

    /** The error's code where a model is not loaded because others are in use. */
    static final String CROWDED = "models_in_use";

    /** Events come in bursts, above all at the start: loading waits until one is over. */
    private static final long BURST_MILLIS = 150;

    /** How long a model asked for by id waits for another to be given back. */
    private static final Duration ROOM_PATIENCE = Duration.ofSeconds(2);

    private static final long ROOM_LOOK_MILLIS = 20;

    private final InferenceSettings settings;
    private final BardstreamHome home;
    private final InferenceMetrics metrics;
    private final ScheduledExecutorService loader;

    /** Everything below is guarded by this object's monitor; nothing is loaded while it is held. */
    private final Map<String, Checkpoint> announced = new LinkedHashMap<>();

    private final Deque<String> promoted = new ArrayDeque<>(); // ids of checkpoints, newest first, each once
    private final Set<String> unloadable = new HashSet<>(); // sha256 of policies that failed to load
    private final Map<String, LoadedModel> loaded = new LinkedHashMap<>(16, 0.75f, true); // least recently used first
    private final Map<String, CompletableFuture<LoadedModel>> loading = new HashMap<>();
    private LoadedModel policy;
    private boolean reconciling;

    private final AtomicInteger inMemory = new AtomicInteger(); // loaded and not yet closed
    private CheckpointStore store; // the loader's alone
    private Compute compute; // the loader's alone

    Models(InferenceSettings settings, BardstreamHome home, InferenceMetrics metrics) {
        this.settings = settings;
        this.home = home;
        this.metrics = metrics;
        this.loader = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "model-loader");
            thread.setDaemon(true);
            return thread;
        });
        metrics.watchModels(inMemory::get);
    }

    void start(@Observes StartupEvent event) {
        loader.execute(() -> {
            try {
                compute();
            } catch (IOException | RuntimeException | LinkageError e) {
                LOG.error("The engine does not start, so nothing can be served; `bardstream doctor` says more", e);
            }
        });
    }

    /** After the decode loop has ended. */
    void stop(@Observes @Priority(DecodeLoop.ENDS_AT + 1) ShutdownEvent event) {
        loader.shutdownNow();
    }

    /** Learns of a checkpoint; null says that it is gone. */
    public void announce(String id, Checkpoint checkpoint) {
        synchronized (this) {
            if (checkpoint == null) {
                announced.remove(id);
            } else if (checkpoint.stage() != Stage.REWARD) { // a judge, which writes no text
                announced.put(id, checkpoint);
                unloadable.remove(checkpoint.sha256());
            }
        }
        wake();
    }

    /** Learns that from now on another checkpoint serves. */
    public void promote(Promotion promotion) {
        if (!promotion.model().equals(Checkpoint.POLICY)) {
            return;
        }
        synchronized (this) {
            promoted.remove(promotion.checkpoint());
            promoted.addFirst(promotion.checkpoint());
            Checkpoint checkpoint = announced.get(promotion.checkpoint());
            if (checkpoint != null) {
                unloadable.remove(checkpoint.sha256());
            }
        }
        wake();
    }

    /** Every checkpoint that can be served, newest first. */
    public synchronized List<Checkpoint> available() {
        return announced.values().stream()
                .sorted(Comparator.comparing(Checkpoint::at)
                        .reversed()
                        .thenComparing(Checkpoint::id, Comparator.reverseOrder()))
                .toList();
    }

    /** The policy that serves now. */
    public synchronized Optional<Checkpoint> policy() {
        return Optional.ofNullable(policy).map(LoadedModel::checkpoint);
    }

    /**
     * Leases a model, loading it where it is not in memory; the lease is the caller's to release.
     *
     * @param name {@code bardstream}, or a checkpoint's id
     * @return fails with an {@link ApiException} that says what to do
     */
    CompletionStage<LoadedModel> lease(String name) {
        synchronized (this) {
            LoadedModel model = name.equals(Checkpoint.POLICY) ? policy : loaded.get(name);
            if (model != null && model.lease()) {
                return CompletableFuture.completedFuture(model);
            } else if (name.equals(Checkpoint.POLICY)) {
                throw ApiException.unavailable(
                        "No model has been promoted yet. `bardstream status` shows how far training is.");
            }
            Checkpoint checkpoint = announced.get(name);
            if (checkpoint == null) {
                throw notFound(name);
            }
            return loading.computeIfAbsent(name, id -> loadOnDemand(checkpoint))
                    .thenCompose(loadedModel ->
                            loadedModel.lease() ? CompletableFuture.completedFuture(loadedModel) : lease(name));
        }
    }

    /** A name that no model has. */
    static ApiException notFound(String name) {
        return new ApiException(
                404,
                "There is no model '" + name + "'. GET /v1/models lists those that there are.",
                "model",
                "model_not_found");
    }

    private CompletableFuture<LoadedModel> loadOnDemand(Checkpoint checkpoint) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        if (!roomSoon()) {
                            throw new ApiException(
                                    503,
                                    "All " + inMemory.get()
                                            + " models in memory are in use; ask again when their requests are done.",
                                    null,
                                    CROWDED);
                        }
                        return load(checkpoint);
                    } catch (NoSuchFileException e) {
                        throw new ApiException(
                                404,
                                "The files of model '" + checkpoint.id() + "' are no longer in the checkpoint store.",
                                "model",
                                "model_not_found");
                    } catch (IOException | IllegalArgumentException e) {
                        metrics.loadFailed();
                        LOG.errorf(e, "Checkpoint %s cannot be loaded", checkpoint.id());
                        throw ApiException.unavailable("Model '" + checkpoint.id()
                                + "' cannot be loaded; the inference service's log says why.");
                    } finally {
                        synchronized (this) {
                            loading.remove(checkpoint.id());
                        }
                    }
                },
                loader);
    }

    private void wake() {
        synchronized (this) {
            if (reconciling || loader.isShutdown()) {
                return;
            }
            reconciling = true;
        }
        loader.schedule(this::reconcile, BURST_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Makes the newest promotion that can be loaded the policy. */
    private void reconcile() {
        synchronized (this) {
            reconciling = false;
        }
        for (Optional<Checkpoint> next = successor(); next.isPresent(); next = successor()) {
            Checkpoint checkpoint = next.get();
            try {
                swap(load(checkpoint));
                LOG.infof("Checkpoint %s serves", checkpoint.id());
                return;
            } catch (IOException | RuntimeException | LinkageError e) {
                metrics.loadFailed();
                synchronized (this) {
                    unloadable.add(checkpoint.sha256());
                    LOG.errorf(
                            e,
                            "Promoted checkpoint %s cannot be loaded; %s",
                            checkpoint.id(),
                            policy == null
                                    ? "nothing serves yet"
                                    : policy.checkpoint().id() + " goes on serving");
                }
            }
        }
    }

    /** The newest promoted checkpoint that is announced and not known to fail; none where the policy is as new. */
    private synchronized Optional<Checkpoint> successor() {
        for (String id : promoted) {
            Checkpoint checkpoint = announced.get(id);
            if (policy != null && policy.checkpoint().id().equals(id)) {
                boolean same = checkpoint == null
                        || checkpoint.sha256().equals(policy.checkpoint().sha256());
                return same || unloadable.contains(checkpoint.sha256()) ? Optional.empty() : Optional.of(checkpoint);
            } else if (checkpoint != null && !unloadable.contains(checkpoint.sha256())) {
                return Optional.of(checkpoint);
            }
        }
        return Optional.empty();
    }

    private synchronized void swap(LoadedModel successor) {
        LoadedModel before = policy;
        policy = successor;
        metrics.swapped();
        if (before != null && before != successor) {
            loaded.remove(before.checkpoint().id(), before);
            before.retire();
        }
    }

    /** The checkpoint in memory: verified, loaded if need be, and made the most recently used. */
    private LoadedModel load(Checkpoint checkpoint) throws IOException {
        synchronized (this) {
            LoadedModel there = loaded.get(checkpoint.id());
            if (there != null && there.checkpoint().sha256().equals(checkpoint.sha256())) {
                return there;
            }
        }
        Compute engine = compute();
        makeRoom();
        Path folder = store.verify(checkpoint.path(), checkpoint.sha256());
        long begin = System.nanoTime();
        LoadedModel model = LoadedModel.load(checkpoint, folder, engine, settings.slots(), inMemory::decrementAndGet);
        LOG.infof("Loaded %s in %d ms", checkpoint.id(), (System.nanoTime() - begin) / 1_000_000);
        inMemory.incrementAndGet();
        synchronized (this) {
            LoadedModel replaced = loaded.put(checkpoint.id(), model);
            if (replaced != null && replaced != policy) {
                replaced.retire();
            }
        }
        return model;
    }

    /** Closes models that nobody uses, the policy excepted, longest unused first, until there is room for one more. */
    private synchronized void makeRoom() {
        Iterator<LoadedModel> oldestFirst = loaded.values().iterator();
        while (inMemory.get() >= settings.loadedModels() && oldestFirst.hasNext()) {
            LoadedModel model = oldestFirst.next();
            if (model != policy && model.retireIfUnused()) {
                oldestFirst.remove();
            }
        }
    }

    /** Whether there is room for one more; answers that are just ending get a moment to give theirs back. */
    private synchronized boolean roomSoon() {
        long patience = System.nanoTime() + ROOM_PATIENCE.toNanos();
        makeRoom();
        while (inMemory.get() >= Math.max(2, settings.loadedModels()) && System.nanoTime() < patience) {
            try {
                wait(ROOM_LOOK_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
            makeRoom();
        }
        return inMemory.get() < Math.max(2, settings.loadedModels());
    }

    private Compute compute() throws IOException {
        if (compute == null) {
            store = new CheckpointStore(home.checkpoints());
            int threads =
                    settings.threads().orElse(Math.max(1, Runtime.getRuntime().availableProcessors() / 2));
            compute = Compute.open(settings.precision(), threads);
            LOG.infof("Serving on %s, %d slots a model", compute.describe(), settings.slots());
        }
        return compute;
    }
}
