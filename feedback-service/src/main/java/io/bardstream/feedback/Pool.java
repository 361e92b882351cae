package io.bardstream.feedback;

import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest;
import io.bardstream.service.Worker;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import org.hibernate.Session;
import org.jboss.logging.Logger;

/**
 * Keeps pairs in stock. It asks inference for two texts after a prompt, pairs what comes back, and takes pairs out whose
 * checkpoints are no longer of interest. What is asked for stands in a table, so a restart forgets nothing; what is not
 * answered in time is asked for anew.
 */
@ApplicationScoped
class Pool {
    private static final Logger LOG = Logger.getLogger(Pool.class);

    /** Of an open comparison {@code c} at {@code :now}: nobody holds it or has said anything of it. */
    static final String FRESH = """
            not exists (select 1 from feedback.vote v where v.comparison = c.id and v.current)
            and not exists (select 1 from feedback.assignment a where a.comparison = c.id and a.expires_at > :now)
            """;

    /** So often the same prompt is tried with other seeds where both texts are the same. */
    private static final int MOST_ATTEMPTS = 3;

    /** How long a place stays empty after the last of these. */
    private static final Duration REST = Duration.ofMinutes(10);

    /** Patience doubles with each stock of requests in a row that nobody answers, but not more often than this. */
    private static final int MOST_DOUBLINGS = 6;

    /** So long requests stay on their topic, and may still be answered. */
    private static final Duration ANSWERABLE = Duration.ofDays(14);

    private static final int MOST_SEED = 1 << 30;

    private final Session database;
    private final FeedbackSettings.Pool settings;
    private final int annotators;
    private final Outbox outbox;
    private final Clock clock = Clock.systemUTC();
    private final Worker worker = new Worker("pool", this::look);

    Pool(Session database, FeedbackSettings settings, Outbox outbox) {
        this.database = database;
        this.settings = settings.pool();
        this.annotators = settings.annotatorsPerComparison();
        this.outbox = outbox;
    }

    void start(@Observes StartupEvent event) {
        worker.start(settings.interval());
    }

    void stop(@Observes ShutdownEvent event) {
        worker.stop();
    }

    /** Something came that may make a pair, or one was taken. */
    void wake() {
        worker.wake();
    }

    private void look() {
        boolean asked = QuarkusTransaction.requiringNew().call(() -> {
            if (!Locks.tryToTake(Locks.STOCKING, database)) {
                return false; // a replica is at it
            }
            Instant now = clock.instant();
            Optional<Rivals> rivals = Rivals.now();
            pair(rivals, now);
            giveUp(now);
            if (rivals.isEmpty()
                    || rivals.get().since().plus(settings.settling()).isAfter(now)) {
                return false;
            }
            withdraw(rivals.get().checkpoints());
            return ask(rivals.get(), now);
        });
        if (asked) {
            outbox.wake();
        }
    }

    private void withdraw(List<String> ofInterest) {
        int withdrawn = Comparison.update(
                "state = ?1 where state = ?2 and origin = ?3 and (firstCheckpoint not in ?4 or secondCheckpoint not in ?4)",
                Comparison.State.WITHDRAWN,
                Comparison.State.OPEN,
                Comparison.Origin.POOL,
                ofInterest);
        if (withdrawn > 0) {
            LOG.infof("%d pairs of other checkpoints left the pool", withdrawn);
        }
    }

    /** Makes pairs of what has come back. */
    private void pair(Optional<Rivals> rivals, Instant now) {
        List<PoolRequest> unanswered =
                PoolRequest.list("state in ?1 and askedAt > ?2 order by askedAt", OPEN, now.minus(ANSWERABLE));
        for (PoolRequest request : unanswered) {
            List<Generation> texts = StoredGeneration.<StoredGeneration>list("requestId", request.id).stream()
                    .map(StoredGeneration::generation)
                    .toList();
            if (texts.size() < 2) {
                continue;
            }
            if (texts.get(0).text().strip().equals(texts.get(1).text().strip())) {
                request.settle(PoolRequest.State.EQUAL, now);
                if (request.attempt < MOST_ATTEMPTS) {
                    rivals.ifPresent(
                            pair -> ask(pair, texts.get(0).prompt(), request.prompt, request.attempt + 1, now));
                }
            } else {
                request.settle(PoolRequest.State.PAIRED, now);
                comparison(request, texts, rivals, now).persist();
            }
        }
    }

    private static final List<PoolRequest.State> OPEN = List.of(PoolRequest.State.ASKED, PoolRequest.State.LOST);

    private Comparison comparison(PoolRequest request, List<Generation> texts, Optional<Rivals> rivals, Instant now) {
        Generation first = texts.get(0);
        Generation second = texts.get(1);
        boolean ofInterest = rivals.isPresent()
                && rivals.get().checkpoints().containsAll(List.of(first.checkpoint(), second.checkpoint()));
        Comparison comparison = new Comparison();
        comparison.id = Comparison.idOf(first.id(), second.id());
        comparison.origin = Comparison.Origin.POOL;
        comparison.prompt = request.prompt;
        comparison.format = first.format();
        comparison.texts = Facts.json(new Comparison.Texts(first.prompt(), first.text(), second.text()));
        comparison.firstGeneration = first.id();
        comparison.secondGeneration = second.id();
        comparison.firstCheckpoint = first.checkpoint();
        comparison.secondCheckpoint = second.checkpoint();
        comparison.state = ofInterest ? Comparison.State.OPEN : Comparison.State.WITHDRAWN;
        comparison.annotators = annotators;
        comparison.createdAt = now;
        return comparison;
    }

    /** What has not been answered in time counts as lost. */
    private void giveUp(Instant now) {
        Instant success = database.createQuery(
                        "select max(r.settledAt) from PoolRequest r where r.state = ?1", Instant.class)
                .setParameter(1, PoolRequest.State.PAIRED)
                .getSingleResult();
        long inARow = PoolRequest.count(
                "state = ?1 and settledAt > ?2", PoolRequest.State.LOST, success == null ? Instant.EPOCH : success);
        long doublings = Math.min(MOST_DOUBLINGS, inARow / Math.max(1, settings.waiting()));
        Duration patience = settings.patience().multipliedBy(1L << doublings);
        int lost = PoolRequest.update(
                "state = ?1, settledAt = ?2 where state = ?3 and askedAt < ?4",
                PoolRequest.State.LOST,
                now,
                PoolRequest.State.ASKED,
                now.minus(patience));
        if (lost > 0) {
            LOG.warnf("%d requests were not answered in %s; others are asked. Is inference there?", lost, patience);
        }
    }

    /** Fills the empty places, with the prompts that were asked for the longest time ago. */
    private boolean ask(Rivals rivals, Instant now) {
        int places = (int) Math.max(0, settings.waiting() - taken(now));
        List<Prompt> prompts = Prompt.<Prompt>find("order by askedAt nulls first, id")
                .page(0, Math.max(1, places))
                .list();
        for (int i = 0; i < places && !prompts.isEmpty(); i++) {
            Prompt prompt = prompts.get(i % prompts.size());
            prompt.askedAt = now;
            ask(rivals, prompt.text, prompt.id, 1, now);
        }
        return OutboxRecord.count("announcedAt is null") > 0;
    }

    private long taken(Instant now) {
        long fresh = database.createNativeQuery(
                        "select count(*) from feedback.comparison c where c.state = 'OPEN' and " + FRESH, Long.class)
                .setParameter("now", now)
                .getSingleResult();
        return fresh
                + PoolRequest.count("state", PoolRequest.State.ASKED)
                + PoolRequest.count(
                        "state = ?1 and attempt >= ?2 and settledAt > ?3",
                        PoolRequest.State.EQUAL,
                        MOST_ATTEMPTS,
                        now.minus(REST));
    }

    private void ask(Rivals rivals, String prompt, String promptId, int attempt, Instant now) {
        PoolRequest asked = new PoolRequest();
        asked.id = "pool-" + UUID.randomUUID();
        asked.prompt = promptId;
        asked.attempt = attempt;
        asked.state = PoolRequest.State.ASKED;
        asked.askedAt = now;
        asked.persist();
        Map<String, Object> sampling =
                Map.of("temperature", settings.temperature(), "max_tokens", settings.maxTokens());
        int seed = ThreadLocalRandom.current().nextInt(MOST_SEED);
        List<GenerationRequest.Candidate> candidates = IntStream.range(0, 2)
                .mapToObj(i ->
                        new GenerationRequest.Candidate(rivals.checkpoints().get(i), sampling, seed + i))
                .toList();
        OutboxRecord.of(new GenerationRequest(asked.id, prompt, rivals.format(), candidates, now))
                .persist();
    }
}
