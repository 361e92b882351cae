package io.bardstream.training;

import io.bardstream.checkpoint.CheckpointMetrics;
import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.Lineage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Where an interrupted run goes on: its newest checkpoint that has optimizer state. It is found in the store, not in the
 * database, since a folder with its name is complete whatever happened after.
 *
 * @param folder with weights, optimizer state and lineage
 * @param metrics as they were saved with it
 */
public record ResumePoint(Path folder, Lineage lineage, Map<String, Double> metrics) {
    public long step() {
        return lineage.step();
    }

    static Optional<ResumePoint> find(CheckpointStore store, String run) throws IOException {
        Path runFolder = store.root().resolve(run);
        if (!Files.isDirectory(runFolder)) {
            return Optional.empty();
        }
        List<Path> folders;
        try (Stream<Path> entries = Files.list(runFolder)) {
            folders = entries.filter(folder -> !folder.getFileName().toString().startsWith("."))
                    .filter(folder -> Files.exists(folder.resolve(HuggingFaceFormat.OPTIMIZER)))
                    .toList();
        }
        Optional<ResumePoint> newest = Optional.empty();
        for (Path folder : folders) {
            ResumePoint point = new ResumePoint(
                    folder, Lineage.read(folder), CheckpointMetrics.read(folder).values());
            newest = Stream.concat(newest.stream(), Stream.of(point)).max(Comparator.comparingLong(ResumePoint::step));
        }
        return newest;
    }
}
