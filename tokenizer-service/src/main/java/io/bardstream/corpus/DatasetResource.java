package io.bardstream.corpus;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Conversations;
import io.bardstream.event.Dataset.Range;
import io.bardstream.event.DatasetKind;
import io.bardstream.service.ApiException;
import io.bardstream.service.Listing;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Datasets over HTTP: asked for, then looked at until they are done. */
@Path("/v1/datasets")
@Produces(MediaType.APPLICATION_JSON)
@Consumes(MediaType.APPLICATION_JSON)
public class DatasetResource {
    private static final double VALIDATION_FRACTION = 0.1;

    /**
     * Asks for a dataset.
     *
     * @param kind what fits the corpus where absent
     * @param validationFraction part that is kept for validation: of a text the last characters, of instructions those drawn;
     *     0.1 where absent
     * @param testFraction of instructions, part that is kept for a test; none where absent
     * @param seed of instructions, of the draw; the usual one where absent
     */
    public record Request(
            String corpus, String tokenizer, String kind, Double validationFraction, Double testFraction, Long seed) {}

    /** A dataset that will be; the status is {@code queued}, {@code running}, {@code done} or {@code failed}. */
    public record Accepted(String id, String status) {}

    /** A part of a dataset, as {@link Dataset.Split} without its name. */
    public record Part(
            long tokens, long bytes, long blocks, String sha256, List<Range> ranges, Conversations conversations) {
        static Part of(Dataset.Split split) {
            return new Part(
                    split.tokens(),
                    split.bytes(),
                    split.blocks(),
                    split.sha256(),
                    split.ranges(),
                    split.conversations());
        }
    }

    /**
     * A dataset; from {@code corpusSha256} on only once done.
     *
     * @param progress from 0 to 1, while running
     * @param error why it failed, or what it waits for
     */
    public record Answer(
            String id,
            String status,
            Double progress,
            String error,
            DatasetKind kind,
            String corpus,
            String tokenizer,
            double validationFraction,
            Double testFraction,
            Long seed,
            Instant createdAt,
            Instant finishedAt,
            String corpusSha256,
            String tokenizerSha256,
            Integer vocabSize,
            Map<String, Part> splits) {}

    private final Datasets datasets;
    private final DatasetWorker worker;

    DatasetResource(Datasets datasets, DatasetWorker worker) {
        this.datasets = datasets;
        this.worker = worker;
    }

    @POST
    public Response create(Request request) {
        ApiException.required(request);
        DatasetOrder order = datasets.order(new Datasets.Wanted(
                Require.id(request.corpus(), "corpus"),
                Require.id(request.tokenizer(), "tokenizer"),
                request.kind() == null ? null : DatasetKind.of(request.kind()),
                request.validationFraction() == null ? VALIDATION_FRACTION : request.validationFraction(),
                request.testFraction(),
                request.seed()));
        worker.wake();
        return Response.accepted(new Accepted(order.id, order.status.label())).build();
    }

    @GET
    public Listing<Answer> list() {
        return Listing.of(datasets.list().stream().map(this::answer).toList());
    }

    @GET
    @Path("{id}")
    public Answer get(String id) {
        return datasets.find(Require.pathId("dataset", id))
                .map(this::answer)
                .orElseThrow(() -> ApiException.notFound("dataset", id));
    }

    private Answer answer(DatasetOrder order) {
        Dataset dataset = order.dataset().orElse(null);
        var progress = worker.progress(order.id);
        return new Answer(
                order.id,
                order.status.label(),
                progress.isPresent() ? progress.getAsDouble() : null,
                order.problem,
                order.kind,
                order.corpus,
                order.tokenizer,
                order.validationFraction,
                order.kind != DatasetKind.PRETRAIN ? order.testFraction : null,
                order.kind != DatasetKind.PRETRAIN ? order.seed : null,
                order.createdAt,
                order.finishedAt,
                dataset == null ? null : dataset.corpusSha256(),
                dataset == null ? null : dataset.tokenizerSha256(),
                dataset == null ? null : dataset.vocabularySize(),
                dataset == null ? null : parts(dataset));
    }

    private static Map<String, Part> parts(Dataset dataset) {
        Map<String, Part> parts = new LinkedHashMap<>();
        dataset.splits().forEach(split -> parts.put(split.name(), Part.of(split)));
        return parts;
    }
}
