package io.bardstream.launcher;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Waits for what services do by themselves. One that restarts meanwhile is waited for, too. */
final class Patience {
    private static final Duration DEFAULT = Duration.ofMinutes(2);

    private Patience() {}

    /**
     * Looks again and again until there is something.
     *
     * @param problem what it means if there never is
     * @throws CommandFailure after two minutes
     */
    static <T> T awaited(String problem, Supplier<Optional<T>> look) {
        long deadline = System.nanoTime() + DEFAULT.toNanos();
        while (true) {
            try {
                Optional<T> found = look.get();
                if (found.isPresent()) {
                    return found.get();
                }
            } catch (Api.Unreachable restarting) {
                if (System.nanoTime() > deadline) {
                    throw restarting;
                }
            }
            if (System.nanoTime() > deadline) {
                throw new CommandFailure(problem + ", " + DEFAULT.toMinutes() + " minutes after it should have.");
            }
            pause();
        }
    }

    /** Between two looks. */
    static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(250);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure("Interrupted while waiting", e);
        }
    }
}
