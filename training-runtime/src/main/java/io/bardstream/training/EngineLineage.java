package io.bardstream.training;

import ai.djl.pytorch.jni.LibUtils;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.event.Ids;
import io.bardstream.kernel.Compute;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.stream.Stream;

/** What computes here, as lineage has it. */
public final class EngineLineage {
    private static final String UNKNOWN = "unknown";

    private static String librarySha256;

    private EngineLineage() {}

    /** The engine of a run. The first call in a process reads the native library, hundreds of megabytes, to hash it. */
    public static Lineage.Engine of(Compute compute) {
        return new Lineage.Engine(
                compute.precision().dtype(),
                compute.threads(),
                compute.device().toString(),
                "libtorch " + LibUtils.getVersion(),
                librarySha256(),
                instructionSet());
    }

    private static synchronized String librarySha256() {
        if (librarySha256 == null) {
            try {
                Path library = library();
                librarySha256 = library == null ? UNKNOWN : sha256(library);
            } catch (IOException e) {
                throw new UncheckedIOException("the native library cannot be read", e);
            }
        }
        return librarySha256;
    }

    /** The file that holds the operators of the processor. */
    private static Path library() throws IOException {
        try (Stream<Path> files = Files.list(Path.of(LibUtils.getLibtorchPath()))) {
            return files.filter(file -> file.getFileName().toString().matches("(lib)?torch_cpu\\.(so|dylib|dll)"))
                    .findFirst()
                    .orElse(null);
        }
    }

    private static String sha256(Path file) throws IOException {
        MessageDigest digest = Ids.sha256();
        byte[] buffer = new byte[1 << 20];
        try (InputStream in = Files.newInputStream(file)) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The widest vector instructions of this processor that libtorch has kernels for. */
    private static String instructionSet() {
        String flags;
        try {
            flags = Files.readString(Path.of("/proc/cpuinfo"));
        } catch (IOException e) {
            return System.getProperty("os.arch"); // not Linux
        }
        return Stream.of("amx_bf16", "avx512_bf16", "avx512f", "avx2", "sve", "asimd")
                .filter(flags::contains)
                .findFirst()
                .orElse(System.getProperty("os.arch"));
    }
}
