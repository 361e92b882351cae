package io.bardstream.feedback;

import io.bardstream.event.Ids;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Named;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Addresses of the script, the style and the icon. They hold a hash of the file, so that a browser may keep it for long and never shows a
 * new page with an old script.
 */
@Named
@ApplicationScoped
public class Assets {
    private static final int HASH_DIGITS = 12;

    private final Map<String, String> urls = new ConcurrentHashMap<>();

    public String url(String file) {
        return urls.computeIfAbsent(file, name -> "/" + name + "?v=" + hash(name));
    }

    private static String hash(String file) {
        try (InputStream content = Assets.class.getResourceAsStream("/META-INF/resources/" + file)) {
            return Ids.sha256(content.readAllBytes()).substring(0, HASH_DIGITS);
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read", e);
        }
    }
}
