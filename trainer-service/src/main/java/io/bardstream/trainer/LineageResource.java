package io.bardstream.trainer;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.TrainingRequest;
import io.bardstream.service.ApiException;
import io.bardstream.service.BardstreamHome;
import io.bardstream.training.CheckpointsResource.CheckpointView;
import io.bardstream.training.Facts;
import io.bardstream.training.Run;
import io.bardstream.training.RunQueue;
import io.bardstream.training.TokenFiles;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.errors.TimeoutException;
import org.jboss.logging.Logger;

/** What a checkpoint was made of: the run, the records it read, the text they came from, and the same of its ancestors. */
@Path("/v1/checkpoints")
@Blocking
public class LineageResource {
    private static final Logger LOG = Logger.getLogger(LineageResource.class);

    private final Facts facts;
    private final RunQueue runs;
    private final TokenFiles files;
    private final CheckpointStore store;

    LineageResource(Facts facts, RunQueue runs, TokenFiles files, BardstreamHome home) throws IOException {
        this.facts = facts;
        this.runs = runs;
        this.files = files;
        this.store = new CheckpointStore(home.checkpoints());
    }

    /**
     * A checkpoint among the ancestors of another, itself the first. What is not known is left out.
     *
     * @param relation {@code self}; {@code parent}, whose weights it started from; or {@code reward}, which judged it
     * @param onDisk whether its folder is still there
     * @param request of its run, all defaults resolved
     * @param imported where its weights come from, if they were trained elsewhere
     * @param dataset the manifest: splits with their sha256 and offsets, and the sha256 of the corpus
     * @param missing ranges of the dataset that are not on the topic, each with the reason; left out where the broker did
     *     not say
     * @param from its ancestors, each with theirs
     */
    public record Ancestor(
            String relation,
            String id,
            CheckpointView checkpoint,
            boolean onDisk,
            TrainingRequest request,
            Lineage.Imported imported,
            Lineage.Engine engine,
            String codeVersion,
            Dataset dataset,
            List<String> missing,
            Tokenizer tokenizer,
            List<Ancestor> from) {}

    /** A tokenizer without its vocabulary. */
    public record Tokenizer(String id, String name, String sha256, int vocabularySize) {
        static Tokenizer of(TokenizerPublished published) {
            return new Tokenizer(published.id(), published.name(), published.sha256(), published.vocabularySize());
        }
    }

    @GET
    @Path("/{id}/lineage")
    public Ancestor lineage(@PathParam("id") String id) throws IOException {
        if (facts.checkpoint(id).isEmpty()) {
            throw ApiException.notFound("checkpoint", id);
        }
        return ancestor("self", id, new HashSet<>());
    }

    private Ancestor ancestor(String relation, String id, Set<String> seen) throws IOException {
        Optional<Checkpoint> found = seen.add(id) ? facts.checkpoint(id) : Optional.empty();
        if (found.isEmpty()) {
            return new Ancestor(relation, id, null, false, null, null, null, null, null, null, null, List.of());
        }
        Checkpoint checkpoint = found.get();
        Optional<Lineage> written = written(checkpoint);
        Optional<TrainingRequest> request = written.map(Lineage::request)
                .or(() -> runs.find(checkpoint.runId()).map(Run::trainingRequest));
        Optional<Dataset> dataset = written.map(Lineage::dataset)
                .or(() -> Optional.ofNullable(checkpoint.dataset()).flatMap(facts::dataset));
        List<Ancestor> from = new ArrayList<>();
        if (checkpoint.parent() != null) {
            from.add(ancestor("parent", checkpoint.parent(), seen));
        }
        if (request.isPresent() && request.get().reward() != null) {
            from.add(ancestor("reward", request.get().reward(), seen));
        }
        return new Ancestor(
                relation,
                id,
                CheckpointView.of(checkpoint),
                written.isPresent(),
                request.orElse(null),
                written.map(Lineage::imported).orElse(null),
                written.map(Lineage::engine).orElse(null),
                written.map(Lineage::codeVersion).orElse(null),
                dataset.orElse(null),
                dataset.map(this::missing).orElse(null),
                dataset.flatMap(each -> facts.tokenizer(each.tokenizer()))
                        .map(Tokenizer::of)
                        .orElse(null),
                from);
    }

    /** The folder's own word, which the database's is only the memory of. */
    private Optional<Lineage> written(Checkpoint checkpoint) throws IOException {
        try {
            return Optional.of(Lineage.read(store.resolve(checkpoint.path())));
        } catch (NoSuchFileException pruned) {
            return Optional.empty();
        }
    }

    private List<String> missing(Dataset dataset) {
        try {
            return files.missing(dataset);
        } catch (TimeoutException e) {
            LOG.warnf("Whether the ranges of %s are there is not known: %s", dataset.id(), e.getMessage());
            return null;
        }
    }
}
