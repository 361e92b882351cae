package io.bardstream.launcher;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/** The folder that keeps all state between runs; one instance at a time uses it. */
record Home(Path path) {
    /**
     * Homes that this process has locked. The lock file of one must not be opened again: POSIX gives up all locks that a process has on a file when
     * it closes any of its descriptors of it.
     */
    private static final Set<Path> LOCKED = new HashSet<>();

    private static final String LOCK = "lock";

    Home {
        path = path.toAbsolutePath().normalize();
    }

    Path logs() {
        return path.resolve("logs");
    }

    Path log(String name) {
        return logs().resolve(name + ".log");
    }

    Path kafka() {
        return path.resolve("kafka");
    }

    Path postgres() {
        return path.resolve("postgres");
    }

    Path checkpoints() {
        return path.resolve("checkpoints");
    }

    Path instanceFile() {
        return path.resolve("instance.json");
    }

    /** What {@link TextToModel} did, so that a second start does not fetch the corpus again. */
    Path progressFile() {
        return path.resolve("text-to-model.json");
    }

    /** Makes the folder; fails clearly where it cannot be written. */
    void create() {
        try {
            Files.createDirectories(logs());
            Files.delete(Files.createTempFile(path, ".writable", null));
        } catch (IOException e) {
            throw new CommandFailure(
                    "The home " + path + " cannot be written (" + e
                            + "). Choose another by --home DIR or BARDSTREAM_HOME.",
                    e);
        }
    }

    /**
     * Takes the home for this process until the lock is closed or the process ends, however it ends; empty where another process has it.
     */
    Optional<FileLock> tryLock() {
        synchronized (LOCKED) {
            if (LOCKED.contains(path)) {
                return Optional.empty();
            }
            try {
                FileChannel channel =
                        FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock();
                if (lock == null) {
                    channel.close();
                    return Optional.empty();
                }
                LOCKED.add(path);
                return Optional.of(lock);
            } catch (IOException e) {
                throw new CommandFailure("The home " + path + " cannot be locked (" + e + ").", e);
            }
        }
    }

    /** The instance that runs on this home now. */
    Optional<Instance> running() {
        if (!Files.exists(path.resolve(LOCK))) {
            return Optional.empty();
        }
        Optional<FileLock> free = tryLock();
        if (free.isPresent()) {
            release(free.get());
            return Optional.empty();
        }
        return Instance.read(instanceFile());
    }

    void release(FileLock lock) {
        synchronized (LOCKED) {
            try {
                lock.acquiredBy().close();
            } catch (IOException e) {
                throw new CommandFailure("The home's lock could not be released (" + e + ").", e);
            } finally {
                LOCKED.remove(path);
            }
        }
    }
}
