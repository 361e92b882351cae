package io.bardstream.launcher;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** The five services, with what the launcher must know of each to run it beside the others on a small machine. */
enum Service {
    INFERENCE(0, "384m", true, Compiler.LATE),
    TOKENIZER(1, "512m", false, Compiler.LATE),
    TRAINER(2, "512m", true, Compiler.LATE),
    FEEDBACK(3, "128m", false, Compiler.LIGHT),
    REWARD(4, "384m", true, Compiler.LATE);

    /** How the JVM compiles; its optimising compiler would take half of the processor time of a start. */
    enum Compiler {
        /** Never optimises: for services that hardly compute in Java. */
        LIGHT("-XX:TieredStopAtLevel=1"),
        /** Optimises what is run ten times as often as usual. */
        LATE(
                "-XX:Tier4InvocationThreshold=50000",
                "-XX:Tier4MinInvocationThreshold=6000",
                "-XX:Tier4CompileThreshold=150000",
                "-XX:Tier4BackEdgeThreshold=400000");

        private final List<String> options;

        Compiler(String... options) {
            this.options = List.of(options);
        }
    }

    private final int portOffset;
    private final String heap;
    private final boolean torch;
    private final Compiler compiler;

    Service(int portOffset, String heap, boolean torch, Compiler compiler) {
        this.portOffset = portOffset;
        this.heap = heap;
        this.torch = torch;
        this.compiler = compiler;
    }

    /** Its name in commands, logs and messages. */
    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Its Maven module. */
    String module() {
        return label() + "-service";
    }

    int portOffset() {
        return portOffset;
    }

    /** Options of its JVM. */
    List<String> jvm() {
        return Stream.concat(
                        Stream.of("-Xms32m", "-Xmx" + heap, "-XX:+UseSerialGC", "-XX:-UsePerfData"),
                        compiler.options.stream())
                .toList();
    }

    /** Whether it loads libtorch. */
    boolean torch() {
        return torch;
    }

    static Optional<Service> of(String label) {
        return Arrays.stream(values())
                .filter(service -> service.label().equals(label))
                .findFirst();
    }

    static List<String> labels() {
        return Arrays.stream(values()).map(Service::label).toList();
    }
}
