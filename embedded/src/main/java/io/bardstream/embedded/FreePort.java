package io.bardstream.embedded;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Ports for tests and benchmarks. They are drawn at random below the range from which the kernel draws its own (32768 on Linux), so that neither an outgoing
 * connection nor another build on the same machine is likely to take one between the draw and its use. Each drawn port is also claimed by a lock on a file of
 * the temporary folder until this process ends: test processes that run side by side never draw the same one.
 */
public final class FreePort {
    private static final int LOWEST = 20_000;
    private static final int COUNT = 12_000;
    private static final SplittableRandom RANDOM =
            new SplittableRandom(System.nanoTime() ^ ProcessHandle.current().pid() << 32);

    /** Kept open, since a lock goes with its channel. */
    private static final List<FileChannel> CLAIMS = new ArrayList<>();

    private FreePort() {}

    /** A loopback port that nobody listens on now. */
    public static synchronized int any() {
        for (int attempt = 0; attempt < 1_000; attempt++) {
            int port = LOWEST + RANDOM.nextInt(COUNT);
            if (claim(port) && isFree(port)) {
                return port;
            }
        }
        throw new StartFailure("No free port found between " + LOWEST + " and " + (LOWEST + COUNT)
                + " on 127.0.0.1. Expected at least one; stop what listens there.");
    }

    /** Whether a server could listen on this loopback port now. */
    public static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException taken) {
            return false;
        }
    }

    private static boolean claim(int port) {
        try {
            Path folder = Files.createDirectories(Path.of(System.getProperty("java.io.tmpdir"))
                    .resolve("bardstream-ports-" + System.getProperty("user.name")));
            FileChannel channel = FileChannel.open(
                    folder.resolve(String.valueOf(port)), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (lock(channel)) {
                CLAIMS.add(channel);
                return true;
            }
            channel.close();
            return false;
        } catch (IOException unwritable) {
            throw new StartFailure("Port " + port + " could not be claimed in " + System.getProperty("java.io.tmpdir")
                    + ": " + unwritable.getMessage() + ". Expected a temporary folder that can be written.");
        }
    }

    private static boolean lock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException drawnHereBefore) {
            return false;
        }
    }
}
