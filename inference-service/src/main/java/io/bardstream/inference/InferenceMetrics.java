package io.bardstream.inference;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/** Every metric of this service, with its name and its meaning. */
@ApplicationScoped
public class InferenceMetrics {
    private static final int RATE_SECONDS = 10;

    private final MeterRegistry registry;
    private final Counter prompt;
    private final Counter completion;
    private final Counter refused;
    private final Counter swaps;
    private final Counter loadFailures;
    private final Counter published;
    private final Counter dropped;
    private final Counter requestsAnswered;
    private final Counter requestsDropped;
    private final Timer firstToken;
    private final List<Gauge> gauges = new ArrayList<>();
    private final AtomicInteger active = new AtomicInteger();
    private final long[] tokensOfSecond = new long[RATE_SECONDS + 1]; // guarded by itself, as is the next
    private long secondOfRate;

    InferenceMetrics(MeterRegistry registry, InferenceSettings settings) {
        this.registry = registry;
        this.prompt = tokens("prompt");
        this.completion = tokens("completion");
        this.refused = counter("bardstream.inference.refused", "Requests refused because the queue was full");
        this.swaps = counter("bardstream.inference.policy.swaps", "Times another checkpoint became the served policy");
        this.loadFailures = counter("bardstream.inference.load.failures", "Checkpoints that could not be loaded");
        this.published = counter("bardstream.inference.generations.published", "Generations the broker has taken");
        this.dropped = counter("bardstream.inference.generations.dropped", "Generations that were not published");
        this.requestsAnswered = counter(
                "bardstream.inference.generation.requests.answered", "Requests of the topic that were answered");
        this.requestsDropped = counter(
                "bardstream.inference.generation.requests.dropped",
                "Requests of the topic for a checkpoint that is not there or cannot be loaded");
        this.firstToken = Timer.builder("bardstream.inference.first.token")
                .description("From queueing a completion to its first token")
                .publishPercentiles(0.5, 0.95)
                .register(registry);
        gauge("bardstream.inference.slots", "Sequences one model decodes at once", settings::slots);
        gauge("bardstream.inference.slots.active", "Sequences being decoded", active::get);
        gauge(
                "bardstream.inference.tokens.per.second",
                "Tokens generated a second, mean of the last " + RATE_SECONDS + " s",
                this::tokensPerSecond);
    }

    void watchQueue(IntSupplier waiting) {
        gauge("bardstream.inference.queue", "Completions waiting for a slot", waiting::getAsInt);
    }

    void watchModels(IntSupplier loaded) {
        gauge("bardstream.inference.models", "Models in memory", loaded::getAsInt);
    }

    /** A request has been answered, or its client has gone (status 499). */
    void answered(int status) {
        Counter.builder("bardstream.inference.requests")
                .description("Completion requests by HTTP status; 499 means that the client went away")
                .tag("status", Integer.toString(status))
                .register(registry)
                .increment();
    }

    void read(int promptTokens) {
        prompt.increment(promptTokens);
    }

    void generated() {
        completion.increment();
        synchronized (tokensOfSecond) {
            advanceTo(nowInSeconds());
            tokensOfSecond[(int) (secondOfRate % tokensOfSecond.length)]++;
        }
    }

    void firstToken(long nanos) {
        firstToken.record(nanos, TimeUnit.NANOSECONDS);
    }

    void active(int slots) {
        active.set(slots);
    }

    void refused() {
        refused.increment();
    }

    void swapped() {
        swaps.increment();
    }

    void loadFailed() {
        loadFailures.increment();
    }

    void published() {
        published.increment();
    }

    void dropped() {
        dropped.increment();
    }

    void requestAnswered() {
        requestsAnswered.increment();
    }

    void requestDropped() {
        requestsDropped.increment();
    }

    private double tokensPerSecond() {
        synchronized (tokensOfSecond) {
            advanceTo(nowInSeconds());
            long sum = 0;
            for (int i = 0; i < tokensOfSecond.length; i++) {
                sum += i == secondOfRate % tokensOfSecond.length ? 0 : tokensOfSecond[i];
            }
            return (double) sum / RATE_SECONDS;
        }
    }

    private void advanceTo(long second) {
        long from = Math.max(secondOfRate, second - tokensOfSecond.length);
        for (long passed = from + 1; passed <= second; passed++) {
            tokensOfSecond[(int) (passed % tokensOfSecond.length)] = 0;
        }
        secondOfRate = second;
    }

    private static long nowInSeconds() {
        return TimeUnit.NANOSECONDS.toSeconds(System.nanoTime());
    }

    private Counter tokens(String kind) {
        return Counter.builder("bardstream.inference.tokens")
                .description("Tokens read from prompts and generated")
                .tag("kind", kind)
                .register(registry);
    }

    private Counter counter(String name, String description) {
        return Counter.builder(name).description(description).register(registry);
    }

    private void gauge(String name, String description, Supplier<Number> value) {
        gauges.add(Gauge.builder(name, value).description(description).register(registry));
    }

    /** A restart within the JVM, as development and tests do it, must not find gauges that look at what has ended. */
    @PreDestroy
    void removeGauges() {
        gauges.forEach(registry::remove);
    }
}
