package io.bardstream.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.bardstream.event.Dataset;
import io.bardstream.event.TrainingRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.SortedMap;
import java.util.stream.Stream;

/**
 * {@code run.json}: everything a checkpoint is a function of, so that the same weights can be made again from the log, and
 * when it was made. It stands outside the checkpoint's sha256, because two machines that agree on the weights agree neither on
 * time nor on name.
 *
 * @param checkpoint id of the checkpoint
 * @param step optimizer steps done
 * @param request the run's request with every default resolved; null for imported weights
 * @param dataset the manifest with the offsets that were read; null for imported weights
 * @param parentSha256 of the checkpoint the run started from; null for fresh weights
 * @param engine what computed it; null for imported weights
 * @param codeVersion of Bardstream: its version, and after a plus the beginning of a sha256 over the code that computes
 * @param earlier engines and code that computed the run's earlier steps, where they were others: such a run was moved or
 *     upgraded in its course, and is not made again by one of them alone
 * @param startedAt when the run began
 * @param writtenAt when this checkpoint was written
 * @param imported where weights come from that were trained elsewhere; null for all others
 */
public record Lineage(
        String checkpoint,
        long step,
        TrainingRequest request,
        Dataset dataset,
        String parentSha256,
        Engine engine,
        String codeVersion,
        List<Stretch> earlier,
        Instant startedAt,
        Instant writtenAt,
        Imported imported) {

    public Lineage {
        earlier = earlier == null ? List.of() : List.copyOf(earlier);
    }

    /**
     * What computed the numbers; where two engines differ, equal bits are not to be expected.
     *
     * @param dtype {@code float32} or {@code bfloat16}
     * @param threads of the tensor library
     * @param device {@code cpu}, or the name of the GPU
     * @param library name and version of the native library
     * @param librarySha256 of the native library's file
     * @param instructionSet the widest vector instructions the library uses, {@code avx512} for instance
     */
    public record Engine(
            String dtype, int threads, String device, String library, String librarySha256, String instructionSet) {}

    /**
     * A folder that was imported.
     *
     * @param name what it was called
     * @param files sha256 of every file that was read, by name
     */
    public record Imported(String name, SortedMap<String, String> files) {}

    /** The steps up to {@code untilStep}, after those of the stretch before. */
    public record Stretch(long untilStep, Engine engine, String codeVersion) {}

    /** The stretches before a checkpoint that goes on from this one with such an engine and code. */
    public List<Stretch> stretchesBefore(Engine next, String nextCode) {
        if (engine.equals(next) && codeVersion.equals(nextCode)) {
            return earlier;
        }
        return Stream.concat(earlier.stream(), Stream.of(new Stretch(step, engine, codeVersion)))
                .toList();
    }

    /** Writes {@code run.json} into a folder. */
    public void write(Path folder) throws IOException {
        Files.writeString(folder.resolve(HuggingFaceFormat.LINEAGE), FolderJson.text(this));
    }

    /**
     * Reads a folder's {@code run.json}.
     *
     * @throws CorruptCheckpointException where it is not a lineage
     */
    public static Lineage read(Path folder) throws IOException {
        Path file = folder.resolve(HuggingFaceFormat.LINEAGE);
        try {
            return FolderJson.parse(Files.readString(file), Lineage.class);
        } catch (JsonProcessingException e) {
            throw new CorruptCheckpointException("%s is not a lineage: %s".formatted(file, e.getOriginalMessage()));
        }
    }
}
