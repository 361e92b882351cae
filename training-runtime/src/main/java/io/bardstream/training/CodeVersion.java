package io.bardstream.training;

import io.bardstream.event.Ids;
import io.bardstream.train.TrainStep;
import io.quarkus.arc.All;
import io.quarkus.arc.ClientProxy;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Which code trains here: the version, and after a plus the beginning of a sha256 over the classes and kernels of shared-model,
 * of this module and of the stages. Two builds of one version whose code differs are told apart; jars and class folders of the
 * same code are not.
 */
@ApplicationScoped
public class CodeVersion {
    private static final String OURS = "io/bardstream";
    private static final int DIGITS = 12;

    private final String version;
    private final Set<Class<?>> anchors = new LinkedHashSet<>(List.of(TrainStep.class, Lease.class));
    private String text;

    CodeVersion(@ConfigProperty(name = "quarkus.application.version") String version, @All List<StageTraining> stages) {
        this.version = version;
        stages.forEach(stage -> anchors.add(ClientProxy.unwrap(stage).getClass()));
    }

    /** The first call reads all of the code. */
    synchronized String text() {
        if (text == null) {
            try {
                text = version + "+" + hash();
            } catch (IOException | URISyntaxException e) {
                throw new UncheckedIOException(new IOException("the code that runs cannot be read to be hashed", e));
            }
        }
        return text;
    }

    private String hash() throws IOException, URISyntaxException {
        Set<Path> places = new LinkedHashSet<>();
        for (Class<?> anchor : anchors) {
            URL place = anchor.getProtectionDomain().getCodeSource().getLocation();
            if (place != null) { // a bean that Quarkus changed for a test is nowhere but in memory
                places.add(Path.of(place.toURI()));
            }
        }
        MessageDigest digest = Ids.sha256();
        for (Path place : places) {
            if (Files.isDirectory(place)) {
                add(place, digest);
            } else {
                try (FileSystem jar = FileSystems.newFileSystem(place)) {
                    add(jar.getPath("/"), digest);
                }
            }
        }
        return HexFormat.of().formatHex(digest.digest()).substring(0, DIGITS);
    }

    private static void add(Path root, MessageDigest digest) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.walk(root.resolve(OURS))) {
            files = all.filter(file -> file.toString().matches(".*\\.(class|py)"))
                    .sorted((one, other) -> one.toString().compareTo(other.toString()))
                    .toList();
        }
        for (Path file : files) {
            digest.update(root.relativize(file).toString().replace('\\', '/').getBytes(StandardCharsets.UTF_8));
            digest.update(Files.readAllBytes(file));
        }
    }
}
