package io.bardstream.launcher;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The five services, with what the launcher must know of each to run it beside the others on a small machine. */
enum Service {
    INFERENCE(0, "384m", true),
    TOKENIZER(1, "512m", false),
    TRAINER(2, "512m", true),
    FEEDBACK(3, "128m", false),
    REWARD(4, "256m", true);

    private final int portOffset;
    private final String heap;
    private final boolean torch;

    Service(int portOffset, String heap, boolean torch) {
        this.portOffset = portOffset;
        this.heap = heap;
        this.torch = torch;
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

    /** Its largest Java heap. */
    String heap() {
        return heap;
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
