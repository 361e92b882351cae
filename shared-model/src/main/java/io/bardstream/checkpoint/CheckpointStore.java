package io.bardstream.checkpoint;

import io.bardstream.event.Ids;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The folder in which all checkpoints lie, {@code <run>/<checkpoint>}, shared by the services that write and read them.
 *
 * <p>Guarantees. A folder that has its name is complete and on the disk: it is written as a temporary sibling, every file is
 * forced, then it is renamed, then the directory is forced. A write that fails, on a full disk for instance, leaves nothing
 * behind; one that is killed leaves a temporary which {@link #removeAbandoned} takes away. A folder that has its name does
 * not change any more, but that pruning removes its optimizer state or all of it. No path from outside leads out of the store.
 *
 * <p>Any process may read. One process at a time writes a run, which the run's lease sees to: the {@link Fence} given to
 * {@link #write} is asked before the rename, and whoever takes a run over calls {@link #takeOver} first.
 */
public final class CheckpointStore {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:-]{0,127}");
    private static final Set<String> OUTSIDE_THE_HASH = Set.of(HuggingFaceFormat.LINEAGE, HuggingFaceFormat.OPTIMIZER);
    private static final String TEMPORARY = ".tmp-";
    private static final String REMOVED = ".removed-";

    /** Held, as a file lock, by whoever writes the temporary it lies in. */
    private static final String LOCK = ".lock";

    /** A temporary without a lock file is between two system calls of its writer, unless it is older than this. */
    private static final Duration LOCKLESS = Duration.ofMinutes(10);

    /** The temporaries of this process: a file lock does not tell a process from itself. */
    private static final Set<Path> WRITING = ConcurrentHashMap.newKeySet();

    private final Path root;

    /** Writes a checkpoint's files into the folder it is given. */
    @FunctionalInterface
    public interface Contents {
        void writeInto(Path folder) throws IOException;
    }

    /** Asked when a checkpoint is complete, just before it gets its name; throws where the writer has lost its run. */
    @FunctionalInterface
    public interface Fence {
        Fence NONE = () -> {};

        void check() throws IOException;
    }

    /** Opens the store at a folder, which is made if need be. */
    public CheckpointStore(Path root) throws IOException {
        this.root = Files.createDirectories(root).toRealPath();
    }

    public Path root() {
        return root;
    }

    /**
     * The folder that a relative path of a {@code Checkpoint} record names. It need not exist.
     *
     * @throws IllegalArgumentException where the path is not of the form {@code run/checkpoint} or leads out of the store
     */
    public Path resolve(String relative) {
        Path path;
        try {
            path = Path.of(relative);
        } catch (InvalidPathException e) {
            throw outside(relative, e);
        }
        if (path.isAbsolute() || path.getNameCount() != 2 || relative.indexOf('\\') >= 0) {
            throw outside(relative, null);
        }
        for (Path part : path) {
            if (!NAME.matcher(part.toString()).matches()) {
                throw outside(relative, null);
            }
        }
        Path resolved = root.resolve(path);
        if (Files.isSymbolicLink(resolved) || Files.isSymbolicLink(resolved.getParent())) {
            throw outside(relative, null);
        }
        return resolved;
    }

    /** {@link #write(String, String, Fence, Contents)} for a writer that has no lease to lose. */
    public CheckpointFolder write(String run, String checkpoint, Contents contents) throws IOException {
        return write(run, checkpoint, Fence.NONE, contents);
    }

    /**
     * Writes one checkpoint so that it is whole or not there.
     *
     * <p>Where a folder of that name exists, a resumed run has come to the same place again. If both have the same sha256 the
     * folder stays, and takes over lineage and optimizer state, which a pruning may have removed. If not, the new one takes
     * its place: what a run's owner writes is what the run is.
     */
    public CheckpointFolder write(String run, String checkpoint, Fence fence, Contents contents) throws IOException {
        String path = run + "/" + checkpoint;
        Path target = resolve(path);
        Path runFolder = target.getParent();
        Files.createDirectories(runFolder);
        force(root);
        Path temporary = runFolder.resolve(TEMPORARY + checkpoint + "-" + UUID.randomUUID());
        WRITING.add(temporary);
        try {
            Files.createDirectory(temporary);
            try (FileChannel lock = FileChannel.open(
                    temporary.resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                lock.lock();
                contents.writeInto(temporary);
                for (Path file : files(temporary)) {
                    force(file);
                }
                String sha256 = sha256(temporary);
                fence.check();
                Files.delete(temporary.resolve(LOCK));
                force(temporary);
                place(temporary, target, sha256);
                force(runFolder);
                return new CheckpointFolder(path, target, sha256, size(target));
            }
        } finally {
            delete(temporary);
            WRITING.remove(temporary);
        }
    }

    /**
     * Checks a folder against the sha256 that was announced with it.
     *
     * @return the folder, fit to be loaded
     * @throws NoSuchFileException where there is no such folder: it was pruned, or this is not the store it was written to
     * @throws CorruptCheckpointException where its contents are not those that were announced
     */
    public Path verify(String path, String sha256) throws IOException {
        Path folder = resolve(path);
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            throw new NoSuchFileException(
                    folder.toString(),
                    null,
                    "the checkpoint was pruned, or the store is not the one it was written to");
        }
        String found = sha256(folder);
        if (!found.equals(sha256)) {
            throw new CorruptCheckpointException(
                    "checkpoint %s has sha256 %s, announced is %s: a file in %s was changed or damaged; restore the folder or train again"
                            .formatted(path, found, sha256, folder));
        }
        return folder;
    }

    /**
     * The sha256 of a folder's contents: over the lines that {@code sha256sum} prints for its files in the order of their
     * names, without lineage and optimizer state.
     */
    public static String sha256(Path folder) throws IOException {
        MessageDigest all = Ids.sha256();
        for (Path file : files(folder)) {
            String name = file.getFileName().toString();
            if (!OUTSIDE_THE_HASH.contains(name)) {
                all.update((sha256OfFile(file) + "  " + name + "\n").getBytes(StandardCharsets.UTF_8));
            }
        }
        return HexFormat.of().formatHex(all.digest());
    }

    /**
     * Removes what {@link Retention} does not keep. Of the run's folders only those named here are touched.
     *
     * @param candidates all checkpoints of the run that the caller knows of
     * @return ids of the checkpoints whose folders were removed
     */
    public List<String> prune(String run, Collection<Retention.Candidate> candidates) throws IOException {
        Set<String> kept = Retention.kept(candidates);
        Optional<String> newest = Retention.newest(candidates);
        List<String> removed = new ArrayList<>();
        for (Retention.Candidate candidate : candidates) {
            Path folder = resolve(run + "/" + candidate.id());
            if (!kept.contains(candidate.id())) {
                if (remove(folder)) {
                    removed.add(candidate.id());
                }
            } else if (!newest.equals(Optional.of(candidate.id()))) {
                Files.deleteIfExists(folder.resolve(HuggingFaceFormat.OPTIMIZER));
            }
        }
        return removed;
    }

    /**
     * Removes temporaries whose writer is gone, and folders whose removal was cut short; to be called when a service starts.
     * What another process is writing at this moment stays.
     *
     * @return how many were removed
     */
    public int removeAbandoned() throws IOException {
        int removed = 0;
        for (Path run : list(root)) {
            if (!Files.isDirectory(run, LinkOption.NOFOLLOW_LINKS)) {
                continue;
            }
            for (Path folder : list(run)) {
                String name = folder.getFileName().toString();
                if (name.startsWith(REMOVED) || (name.startsWith(TEMPORARY) && abandoned(folder))) {
                    delete(folder);
                    removed++;
                }
            }
        }
        return removed;
    }

    /**
     * Takes away what another process may still be writing of a run; to be called by the run's new owner before it looks for
     * the run's checkpoints. A process that was paused between its fence's check and its rename then finds nothing to rename,
     * so from here on no folder appears but the new owner's.
     */
    public void takeOver(String run) throws IOException {
        Path folder = root.resolve(run);
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        for (Path temporary : list(folder)) {
            if (temporary.getFileName().toString().startsWith(TEMPORARY)) {
                try {
                    remove(temporary);
                } catch (DirectoryNotEmptyException e) {
                    continue; // its writer lives and made one more file; without its name the folder is harmless
                }
            }
        }
    }

    private static void place(Path temporary, Path target, String sha256) throws IOException {
        if (!Files.exists(target)) {
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } else if (sha256.equals(sha256(target))) {
            for (String name : OUTSIDE_THE_HASH) {
                if (Files.exists(temporary.resolve(name))) {
                    Files.move(temporary.resolve(name), target.resolve(name), StandardCopyOption.ATOMIC_MOVE);
                }
            }
            force(target);
        } else {
            replace(target, temporary);
        }
    }

    /** Puts the old folder back where the new one is gone: its writer has lost the run meanwhile. */
    private static void replace(Path target, Path temporary) throws IOException {
        Path old = target.resolveSibling(REMOVED + target.getFileName() + "-" + UUID.randomUUID());
        Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
        try {
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
            throw e;
        }
        delete(old);
    }

    /** Takes the name away first, so that no reader meets half a folder. */
    private static boolean remove(Path folder) throws IOException {
        Path removed = folder.resolveSibling(REMOVED + folder.getFileName() + "-" + UUID.randomUUID());
        try {
            Files.move(folder, removed, StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException e) {
            return false;
        }
        delete(removed);
        return true;
    }

    private static boolean abandoned(Path temporary) throws IOException {
        if (WRITING.contains(temporary)) {
            return false;
        }
        try (FileChannel lock = FileChannel.open(temporary.resolve(LOCK), StandardOpenOption.WRITE)) {
            return lock.tryLock() != null;
        } catch (NoSuchFileException e) {
            return olderThan(temporary, LOCKLESS);
        }
    }

    private static boolean olderThan(Path folder, Duration age) throws IOException {
        try {
            return Files.getLastModifiedTime(folder)
                    .toInstant()
                    .isBefore(Instant.now().minus(age));
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** A folder's files but the lock, by name; anything that is not a plain file does not belong in a checkpoint. */
    private static List<Path> files(Path folder) throws IOException {
        List<Path> files = new ArrayList<>();
        for (Path file : list(folder)) {
            if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                throw new CorruptCheckpointException(file + " is not a plain file; a checkpoint folder has no others");
            }
            if (!file.getFileName().toString().equals(LOCK)) {
                files.add(file);
            }
        }
        return files;
    }

    private static List<Path> list(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.sorted().toList();
        }
    }

    private static long size(Path folder) throws IOException {
        long bytes = 0;
        for (Path file : files(folder)) {
            bytes += Files.size(file);
        }
        return bytes;
    }

    static String sha256OfFile(Path file) throws IOException {
        MessageDigest digest = Ids.sha256();
        byte[] buffer = new byte[1 << 16];
        try (InputStream bytes = Files.newInputStream(file)) {
            for (int read = bytes.read(buffer); read >= 0; read = bytes.read(buffer)) {
                digest.update(buffer, 0, read);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Forces a file, or a directory's entries, to the disk. */
    private static void force(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                if (failure instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw failure;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, IOException failure) throws IOException {
                Files.deleteIfExists(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private static IllegalArgumentException outside(String relative, InvalidPathException cause) {
        return new IllegalArgumentException(
                "'%s' is not the path of a checkpoint; expected is <run>/<checkpoint> inside the store"
                        .formatted(relative),
                cause);
    }
}
