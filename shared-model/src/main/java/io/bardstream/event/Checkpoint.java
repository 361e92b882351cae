package io.bardstream.event;

import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;

/**
 * Weights that exist, complete and verified, in the checkpoint store.
 *
 * @param model name of the model, {@link #POLICY}, {@link #REWARD} or {@link #CLASSIFIER}
 * @param parent checkpoint that the run started from, or null
 * @param runId run that wrote it
 * @param requestedBy who asked for that run, see {@link TrainingRequest#requestedBy()}
 * @param step optimizer steps done
 * @param dataset id of the dataset trained on
 * @param tokenizerSha256 of the tokenizer.json inside
 * @param path folder, relative to the store, with forward slashes
 * @param sha256 over the sorted sha256 of the folder's files, lineage and optimizer apart
 * @param metrics by name: {@code validation_loss} in nats a token, {@code bits_per_byte}, {@code tokens} trained on, …
 */
public record Checkpoint(
        String id,
        String model,
        Stage stage,
        String parent,
        String runId,
        String requestedBy,
        long step,
        String dataset,
        String tokenizerSha256,
        String path,
        String sha256,
        Map<String, Double> metrics,
        Instant at) {

    /** The one model that is trained, served and judged. */
    public static final String POLICY = "bardstream";

    /** Models that label texts. */
    public static final String CLASSIFIER = "bardstream-classifier";

    /** The model that judges it. */
    public static final String REWARD = "bardstream-reward";

    public static final String VALIDATION_LOSS = "validation_loss";
    public static final String BITS_PER_BYTE = "bits_per_byte";
    public static final String TOKENS = "tokens";

    public Checkpoint {
        Fields.id(id, "id");
        Fields.id(model, "model");
        Fields.required(stage, "stage");
        Fields.optionalId(parent, "parent");
        Fields.id(runId, "run_id");
        Fields.text(requestedBy, "requested_by");
        Fields.notNegative(step, "step");
        Fields.optionalId(dataset, "dataset");
        Fields.sha256(tokenizerSha256, "tokenizer_sha256");
        Fields.text(path, "path");
        Path relative = Path.of(path);
        Fields.require(
                !relative.isAbsolute() && relative.normalize().equals(relative) && !relative.startsWith(".."),
                "path",
                "'" + path + "' does not stay inside the checkpoint store");
        Fields.sha256(sha256, "sha256");
        metrics = Fields.copy(metrics);
        Fields.required(at, "at");
    }
}
