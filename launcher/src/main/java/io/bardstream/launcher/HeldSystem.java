package io.bardstream.launcher;

import java.io.IOException;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.ToIntFunction;

/**
 * A home that this process has taken, and the system that runs on it for as long as this process does. When the process is to
 * end, by Ctrl-C too, everything is stopped first.
 */
final class HeldSystem {
    private static final int FAILED = 1;

    private final LocalSystem system;
    private final Home home;
    private final FileLock lock;
    private final Console console;
    private final Thread hook = new Thread(this::stop, "stop");
    private volatile int exitCode = FAILED;

    private HeldSystem(LocalSystem system, Home home, FileLock lock, Console console) {
        this.system = system;
        this.home = home;
        this.lock = lock;
        this.console = console;
    }

    /**
     * Takes the home, and looks whether there is room for everything.
     *
     * @param manual whether nothing is trained by itself
     * @param settings of the services, as environment variables, beside those they need anyhow
     */
    static HeldSystem take(Home home, Ports ports, boolean manual, Map<String, String> settings, Console console) {
        FileLock lock = home.tryLock().orElseThrow(() -> alreadyRunning(home));
        Preflight.diskSpace(home.path());
        Preflight.childrenOfAKilledInstance(home);
        Preflight.portsAreFree(ports);
        Installation installation = Installation.current();
        ClassArchives archives = new ClassArchives(installation.classArchives(), false);
        LocalSystem system = new LocalSystem(installation, home, ports, manual, settings, archives, console);
        return new HeldSystem(system, home, lock, console);
    }

    static CommandFailure alreadyRunning(Home home) {
        String pid = Instance.read(home.instanceFile())
                .map(instance -> " (pid " + instance.pid() + ")")
                .orElse("");
        return new CommandFailure("Another instance" + pid + " runs on the home " + home.path()
                + ". Stop it by `bardstream down`, or give this one its own --home and --port-base.");
    }

    /** With what the process is to end from now on. */
    void exitCode(int code) {
        exitCode = code;
    }

    /** Starts everything, does the work, and returns its exit code; stopping is left to the end of the process. */
    int run(String preset, ToIntFunction<LocalSystem> work) throws InterruptedException {
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            console.line("Starting on " + home.path());
            system.start(preset);
            exitCode = work.applyAsInt(system);
            return exitCode;
        } catch (RuntimeException e) {
            if (hook.getState() != Thread.State.NEW) {
                new CountDownLatch(1).await(); // what fails now fails because everything is being stopped
            }
            exitCode = FAILED;
            throw e;
        }
    }

    private void stop() {
        console.bar("");
        console.line("Stopping");
        system.close();
        try {
            Files.deleteIfExists(home.instanceFile());
        } catch (IOException e) {
            console.problem("bardstream", home.instanceFile() + " cannot be deleted: " + e);
        }
        home.release(lock);
        console.line("Stopped. State is kept in " + home.path());
        Runtime.getRuntime().halt(exitCode);
    }
}
