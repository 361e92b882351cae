package io.bardstream.training;

import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.bardstream.event.Curriculum;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.TrainingRequest;
import io.bardstream.service.ApiException;
import io.bardstream.service.Listing;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.mutiny.Multi;
import jakarta.inject.Inject;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.resteasy.reactive.RestStreamElementType;

/** Training runs: ask for one, watch it, end it. */
@Path("/v1/runs")
@Blocking
public class RunsResource {
    private static final String JSON_LINES = "application/jsonl";

    /** Who asked for a run that came over HTTP. */
    private static final String BY_HAND = "user";

    @Inject
    RunQueue queue;

    @Inject
    Stages stages;

    @Inject
    RunWorker worker;

    @Inject
    MeasurementStream measurements;

    @Inject
    Replays replays;

    @Inject
    ObjectMapper json;

    @ConfigProperty(name = "bardstream.preset")
    String configuredPreset;

    /** The id of a run that was accepted. */
    public record Accepted(String id) {}

    @POST
    public Response submit(NewRun asked) {
        TrainingRequest request = resolve(checked(asked));
        queue.submit(request);
        worker.wake();
        return Response.accepted(new Accepted(request.runId())).build();
    }

    private NewRun checked(NewRun asked) {
        if (asked == null) {
            throw new InvalidFieldException("stage", "is missing; the request has no body");
        }
        if (asked.unknown() != null && !asked.unknown().isEmpty()) {
            throw new InvalidFieldException(
                    asked.unknown().keySet().iterator().next(),
                    "is not a field; there are stage, dataset, preset, parent, reward, seed, hyperparameters, prompts, memory and fit");
        }
        if (asked.stage() == null) {
            throw new InvalidFieldException("stage", "is missing");
        }
        return stages.of(asked.stage()).complete(asked);
    }

    /** Resolves every default and checks what can be checked before the run. */
    private TrainingRequest resolve(NewRun asked) {
        StageTraining training = stages.of(asked.stage());
        String preset = training.preset(asked.preset() == null ? configuredPreset : asked.preset());
        Hyperparameters hyperparameters = training.hyperparameters(
                preset, asked.dataset(), asked.hyperparameters() == null ? Map.of() : asked.hyperparameters());
        TrainingRequest request = new TrainingRequest(
                UUID.randomUUID().toString(),
                asked.stage(),
                asked.dataset(),
                preset,
                asked.parent(),
                asked.reward(),
                hyperparameters,
                asked.seed() == null ? Curriculum.SEED : asked.seed(),
                null,
                null,
                BY_HAND,
                Instant.now(),
                asked.prompts(),
                null);
        training.check(request);
        return training.shape(request)
                .map(model -> MemoryLimit.of(asked.memory(), asked.fit()).apply(request, model))
                .orElse(request);
    }

    /**
     * The body of a replay; all of it may be left out.
     *
     * @param set hyperparameters, and the seed, that are to differ
     * @param until offset or time before which a block of the training split, or a vote, must have come
     * @param excludeAnnotators people whose votes do not count
     * @param unknown every other key, to be refused
     */
    public record Changes(
            Map<String, Object> set,
            Object until,
            List<String> excludeAnnotators,
            @JsonAnySetter Map<String, Object> unknown) {
        public Changes {
            set = set == null ? Map.of() : set;
            if (unknown != null && !unknown.isEmpty()) {
                throw new InvalidFieldException(
                        unknown.keySet().iterator().next(),
                        "is not a field; there are set, until and exclude_annotators");
            }
        }
    }

    /**
     * Trains a run again, from the log alone, as a run of its own.
     *
     * @param body {@link Changes}; as text, so that a request without one needs no type
     */
    @POST
    @Path("/{id}/replay")
    @Consumes(MediaType.WILDCARD)
    public Response replay(@PathParam("id") String id, String body) throws JsonProcessingException {
        Changes changes = body.isBlank() ? new Changes(null, null, null, null) : json.readValue(body, Changes.class);
        TrainingRequest request = replays.request(find(id), changes, BY_HAND);
        queue.submit(request);
        worker.wake();
        return Response.accepted(new Accepted(request.runId())).build();
    }

    /** A replay beside the run it repeats. */
    @GET
    @Path("/{id}/comparison")
    public Comparison comparison(@PathParam("id") String id) {
        return replays.comparison(find(id));
    }

    @GET
    public Listing<RunView> list() {
        return Listing.of(queue.all().stream().map(RunView::of).toList());
    }

    @GET
    @Path("/{id}")
    public RunView get(@PathParam("id") String id) {
        return RunView.of(find(id));
    }

    @POST
    @Path("/{id}/cancel")
    public RunView cancel(@PathParam("id") String id) {
        Run run = find(id);
        if (run.status.ended() && run.status != RunStatus.CANCELLED) {
            throw ApiException.conflict("Run '" + id + "' has " + run.status.label() + " already.", null);
        }
        queue.cancel(id);
        worker.look(id);
        return RunView.of(find(id));
    }

    /** Everything measured so far, a line a step. */
    @GET
    @Path("/{id}/metrics")
    @Produces({JSON_LINES, MediaType.APPLICATION_JSON})
    public String metrics(@PathParam("id") String id) {
        find(id);
        return measurements.soFar(id);
    }

    /** The same as events, from the first to the end of the run as it goes on. */
    @GET
    @Path("/{id}/metrics")
    @Produces(MediaType.SERVER_SENT_EVENTS + ";qs=0.5")
    @RestStreamElementType(MediaType.TEXT_PLAIN)
    public Multi<String> live(@PathParam("id") String id) {
        find(id);
        return measurements.live(id);
    }

    private Run find(String id) {
        return queue.find(id).orElseThrow(() -> ApiException.notFound("run", id));
    }
}
