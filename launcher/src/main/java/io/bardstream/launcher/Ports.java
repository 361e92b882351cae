package io.bardstream.launcher;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;

/** Where everything listens on the loopback interface; all of it moves by {@code base} − {@value #DEFAULT_BASE}. */
record Ports(int base) {
    static final int DEFAULT_BASE = 8080;

    private static final int KAFKA = 19092 - DEFAULT_BASE;
    private static final int KAFKA_CONTROLLER = 19093 - DEFAULT_BASE;
    private static final int POSTGRES = 15432 - DEFAULT_BASE;
    private static final int HIGHEST_BASE = 65_535 - KAFKA_CONTROLLER;

    Ports {
        if (base < 1024 || base > HIGHEST_BASE) {
            throw new IllegalArgumentException("--port-base is " + base + "; it must be between 1024 and "
                    + HIGHEST_BASE + ", for Kafka listens " + KAFKA + " above it");
        }
    }

    int of(Service service) {
        return base + service.portOffset();
    }

    int kafka() {
        return base + KAFKA;
    }

    int kafkaController() {
        return base + KAFKA_CONTROLLER;
    }

    int postgres() {
        return base + POSTGRES;
    }

    URI uri(Service service) {
        return URI.create("http://127.0.0.1:" + of(service));
    }

    /** Every port with the name of what listens there. */
    Map<Integer, String> all() {
        Map<Integer, String> names = new LinkedHashMap<>();
        for (Service service : Service.values()) {
            names.put(of(service), service.label());
        }
        names.put(kafka(), "Kafka");
        names.put(kafkaController(), "Kafka's controller");
        names.put(postgres(), "PostgreSQL");
        return names;
    }
}
