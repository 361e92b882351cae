package io.bardstream.service;

import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Where state lives on disk: {@code bardstream.home} and its folders, each made when first asked for. */
@ApplicationScoped
public class BardstreamHome {
    private final Path root;

    public BardstreamHome(@ConfigProperty(name = "bardstream.home") Path root) {
        this.root = root.toAbsolutePath().normalize();
    }

    /** The checkpoint store, shared by the services that write and read models. */
    public Path checkpoints() {
        return folder("checkpoints");
    }

    /** Texts as they were uploaded, by sha256. */
    public Path corpora() {
        return folder("corpora");
    }

    /** What can be made again from Kafka and may be deleted at any time. */
    public Path cache() {
        return folder("cache");
    }

    private Path folder(String name) {
        try {
            return Files.createDirectories(root.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make the folder " + name + " in " + root + " (bardstream.home)", e);
        }
    }
}
