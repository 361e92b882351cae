package io.bardstream.trainer;

import io.bardstream.checkpoint.CheckpointFolder;
import io.bardstream.checkpoint.CheckpointMetrics;
import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.HuggingFaceFolder;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.HuggingFaceFormat.TokenizerFiles;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.checkpoint.SafeTensors;
import io.bardstream.checkpoint.SafeTensorsException;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Ids;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.Stage;
import io.bardstream.gpt.GptConfig;
import io.bardstream.service.ApiException;
import io.bardstream.service.BardstreamHome;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.training.Announcements;
import io.bardstream.training.Facts;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.regex.Pattern;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Takes Hugging Face GPT-2 folders into the checkpoint store, as checkpoints of a run of their own that nobody ran.
 *
 * <p>Guarantees. The folder is left as it is. What comes into the store is canonical and was read back; only then there is a
 * row, and then an announcement. The same files under the same name, of the same dataset, are one checkpoint, however often
 * they are imported. It is not promoted by itself, and never pruned.
 */
@ApplicationScoped
public class CheckpointImport {
    /** Who asked for the run of an imported checkpoint. */
    private static final String REQUESTED_BY = "import";

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
    private static final int SHORT_HASH = 8;

    private final Facts facts;
    private final Announcements announcements;
    private final CheckpointStore store;
    private final String codeVersion;

    CheckpointImport(
            Facts facts,
            Announcements announcements,
            BardstreamHome home,
            @ConfigProperty(name = "quarkus.application.version") String codeVersion)
            throws IOException {
        this.facts = facts;
        this.announcements = announcements;
        this.store = new CheckpointStore(home.checkpoints());
        this.codeVersion = codeVersion;
    }

    /** @param isNew whether it was not there before */
    public record Imported(Checkpoint checkpoint, boolean isNew) {}

    /**
     * Imports a folder.
     *
     * @param path of a folder on this machine, absolute
     * @param name what the checkpoint is called; the folder's name where null
     * @param dataset id of the dataset that was trained on, or null
     * @throws InvalidFieldException naming what is wrong with which of these
     */
    public synchronized Imported run(String path, String name, String dataset) throws IOException {
        Path folder = folder(path);
        String called = name(name, folder);
        Dataset trainedOn = dataset == null ? null : dataset(dataset);
        try (HuggingFaceFolder source = open(folder)) {
            BpeTokenizer tokenizer = tokenizer(source, trainedOn);
            return keep(source, tokenizer, called, trainedOn);
        }
    }

    private Imported keep(HuggingFaceFolder source, BpeTokenizer tokenizer, String name, Dataset dataset)
            throws IOException {
        Instant begun = Instant.now();
        ModelConfig config = ofSource(() -> source.over(tokenizer));
        SortedMap<String, String> files = source.sha256s();
        String run = Ids.of("import", name, files, tokenizer.sha256(), dataset == null ? "" : dataset.id());
        String id = name + "-" + run.substring(run.length() - SHORT_HASH);
        Optional<Checkpoint> there =
                facts.checkpoint(id).filter(known -> Files.isDirectory(store.resolve(known.path())));
        if (there.isPresent()) {
            return new Imported(there.get(), false);
        }
        requireRoom(config);
        Lineage.Imported origin = new Lineage.Imported(name, files);
        CheckpointFolder folder = store.write(run, id, into -> {
            HuggingFaceFormat.writeDescription(into, config, TokenizerFiles.of(tokenizer));
            new CheckpointMetrics(Map.of()).write(into);
            new Lineage(id, 0, null, dataset, null, null, codeVersion, null, begun, Instant.now(), origin).write(into);
            ofSource(() -> {
                source.writeWeights(into.resolve(HuggingFaceFormat.WEIGHTS), config);
                return null;
            });
            readBack(into);
        });
        Checkpoint checkpoint = fact(id, run, dataset, tokenizer, folder);
        facts.add(checkpoint);
        announcements.soon();
        return new Imported(checkpoint, true);
    }

    private static Checkpoint fact(
            String id, String run, Dataset dataset, BpeTokenizer tokenizer, CheckpointFolder folder) {
        return new Checkpoint(
                id,
                Checkpoint.POLICY,
                Stage.PRETRAIN,
                null,
                run,
                REQUESTED_BY,
                0,
                dataset == null ? null : dataset.id(),
                tokenizer.sha256(),
                folder.path(),
                folder.sha256(),
                Map.of(),
                Instant.now());
    }

    /** What was written is a model again, before it gets its name. */
    private static void readBack(Path folder) throws IOException {
        ModelConfig config = HuggingFaceFormat.readConfig(folder);
        BpeTokenizer.fromJson(Files.readString(folder.resolve(HuggingFaceFormat.TOKENIZER)));
        try (SafeTensors weights = SafeTensors.open(folder.resolve(HuggingFaceFormat.WEIGHTS))) {
            HuggingFaceFormat.locate(weights, config);
        }
    }

    private BpeTokenizer tokenizer(HuggingFaceFolder source, Dataset dataset) throws IOException {
        Optional<BpeTokenizer> own = ofSource(source::tokenizer);
        if (dataset == null) {
            return own.orElseThrow(
                    () -> new InvalidFieldException(
                            "path",
                            "the folder has neither tokenizer.json nor vocab.json and merges.txt; put the model's tokenizer there"
                                    + " (for GPT-2: save_pretrained of its GPT2Tokenizer), or name the dataset it was trained on"));
        }
        if (own.isPresent() && !own.get().sha256().equals(dataset.tokenizerSha256())) {
            throw new InvalidFieldException(
                    "dataset",
                    "'%s' was made with tokenizer %s; the folder's is %s"
                            .formatted(
                                    dataset.id(),
                                    dataset.tokenizerSha256(),
                                    own.get().sha256()));
        }
        return own.orElseGet(() -> facts.tokenizer(dataset.tokenizer())
                .map(published -> BpeTokenizer.fromJson(published.json()))
                .orElseThrow(() -> new InvalidFieldException(
                        "dataset",
                        "the tokenizer '%s' of '%s' is not known here".formatted(dataset.tokenizer(), dataset.id()))));
    }

    private Dataset dataset(String id) {
        return facts.dataset(id)
                .orElseThrow(() -> new InvalidFieldException("dataset", "'" + id + "' is not known here"));
    }

    private static Path folder(String path) {
        if (path == null || path.isBlank()) {
            throw new InvalidFieldException("path", "is missing; give a folder on this machine");
        }
        try {
            Path folder = Path.of(path);
            if (!folder.isAbsolute()) {
                throw new InvalidFieldException("path", "'" + path + "' is not absolute");
            }
            if (!Files.isDirectory(folder) || !Files.isReadable(folder)) {
                throw new InvalidFieldException(
                        "path", "'" + path + "' is not a folder that the service on its machine can read");
            }
            return folder;
        } catch (InvalidPathException e) {
            throw new InvalidFieldException("path", "is not a path: " + e.getReason());
        }
    }

    /** The folder's own name may have characters that an id has not. */
    private static String name(String name, Path folder) {
        Path last = folder.normalize().getFileName();
        String called = name == null && last != null
                ? last.toString().replaceAll("[^A-Za-z0-9._-]+", "-").replaceFirst("^[^A-Za-z0-9]+", "")
                : name;
        if (called == null || !NAME.matcher(called).matches()) {
            throw new InvalidFieldException(
                    "name",
                    "'%s' is not a name (letters, digits, '.', '_' and '-', at most 64, a letter or digit first)"
                            .formatted(called));
        }
        return called;
    }

    private static HuggingFaceFolder open(Path folder) throws IOException {
        return ofSource(() -> HuggingFaceFolder.open(folder));
    }

    private interface Reading<T> {
        T read() throws IOException;
    }

    /** What is wrong with the folder is wrong with the request. */
    private static <T> T ofSource(Reading<T> reading) throws IOException {
        try {
            return reading.read();
        } catch (IllegalArgumentException | SafeTensorsException e) {
            throw new InvalidFieldException("path", e.getMessage());
        }
    }

    private void requireRoom(ModelConfig config) throws IOException {
        long needed = Float.BYTES * GptConfig.of(config).parameterCount();
        long free = Files.getFileStore(store.root()).getUsableSpace();
        if (free < needed) {
            throw ApiException.unavailable("The checkpoint takes %,d MB in the store at %s, which has %,d MB left."
                    .formatted(needed / 1_000_000, store.root(), free / 1_000_000));
        }
    }
}
