package io.bardstream.reward;

import io.bardstream.event.Dataset;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.training.DatasetException;
import io.bardstream.training.Facts;
import io.bardstream.training.PreferenceDatasets;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;

/** Publishes the manifests of what people prefer. The same votes in the same vocabulary are one dataset. */
@ApplicationScoped
class PreferencePublisher {
    private static final int SECONDS_TO_ACKNOWLEDGE = 30;

    private final Facts facts;
    private final PreferenceDatasets preferences;
    private final Emitter<Record<String, Dataset>> datasets;

    PreferencePublisher(
            Facts facts,
            PreferenceDatasets preferences,
            @Channel("datasets-out") Emitter<Record<String, Dataset>> datasets) {
        this.facts = facts;
        this.preferences = preferences;
        this.datasets = datasets;
    }

    /** The dataset of the votes before an offset: on its topic, and known here, when this returns. */
    Dataset before(long end, TokenizerPublished tokenizer) {
        String id = PreferenceDatasets.id(end, tokenizer.sha256());
        return facts.dataset(id).orElseGet(() -> publish(id, end, tokenizer));
    }

    private Dataset publish(String id, long end, TokenizerPublished tokenizer) {
        try {
            Dataset dataset = preferences.before(end, List.of(), id, tokenizer, () -> false);
            datasets.send(Record.of(id, dataset)).toCompletableFuture().get(SECONDS_TO_ACKNOWLEDGE, TimeUnit.SECONDS);
            facts.store(dataset);
            return dataset;
        } catch (DatasetException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("the manifest of " + id + " was interrupted", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("the manifest of " + id + " could not be published", e);
        }
    }
}
