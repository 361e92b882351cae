package io.bardstream.embedded;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.SplittableRandom;

/**
 * Ports for tests and benchmarks. They are drawn at random below the range from which the kernel draws its own (32768 on Linux), so that neither an outgoing
 * connection nor another build on the same machine is likely to take one between the draw and its use.
 */
public final class FreePort {
    private static final int LOWEST = 20_000;
    private static final int COUNT = 12_000;
    private static final SplittableRandom RANDOM =
            new SplittableRandom(System.nanoTime() ^ ProcessHandle.current().pid() << 32);

    private FreePort() {}

    /** A loopback port that nobody listens on now. */
    public static int any() {
        for (int attempt = 0; attempt < 1_000; attempt++) {
            int port = LOWEST + draw();
            if (isFree(port)) {
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

    private static synchronized int draw() {
        return RANDOM.nextInt(COUNT);
    }
}
