package io.bardstream.launcher;

import io.bardstream.embedded.Child;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Stops the instance that runs on a home, and waits until nothing of it is left. */
@Command(name = "down", description = "Stops what runs on the home; state is kept.", mixinStandardHelpOptions = true)
final class Down implements Callable<Integer> {
    private static final Duration PATIENCE = Duration.ofSeconds(45);

    @Mixin
    private Where where;

    private final Console console = Console.standard();

    @Override
    public Integer call() throws InterruptedException {
        Home home = where.home();
        var running = home.running();
        if (running.isEmpty()) {
            console.line("Nothing runs on " + home.path());
            return 0;
        }
        Instance instance = running.get();
        var launcher = ProcessHandle.of(instance.pid());
        launcher.ifPresent(ProcessHandle::destroy);
        if (launcher.isPresent() && !ended(launcher.get())) {
            launcher.get().destroyForcibly();
            instance.children().forEach((name, pid) -> Child.endStale(pid, Preflight.mark(home, name), 20));
            console.line(
                    "Killed: it did not stop within " + PATIENCE.toSeconds() + " s. State is kept in " + home.path());
            return 0;
        }
        console.line("Stopped. State is kept in " + home.path());
        return 0;
    }

    private static boolean ended(ProcessHandle process) throws InterruptedException {
        try {
            process.onExit().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new CommandFailure("The instance's end could not be awaited: " + e.getCause(), e);
        }
    }
}
