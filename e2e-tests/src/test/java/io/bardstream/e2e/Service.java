package io.bardstream.e2e;

import java.util.Locale;

/** The five services, with the ports that they have where nobody asks for others. */
enum Service {
    INFERENCE(8080),
    TOKENIZER(8081),
    TRAINER(8082),
    FEEDBACK(8083),
    REWARD(8084);

    private final int port;

    Service(int port) {
        this.port = port;
    }

    int port() {
        return port;
    }

    /** Its name in {@code docker-compose.yml}. */
    String container() {
        return name().toLowerCase(Locale.ROOT) + "-service";
    }

    /** The setting of {@code .env.example} that says on which port of the host a container of it is. */
    String setting() {
        return "BARDSTREAM_" + name() + "_PORT";
    }
}
