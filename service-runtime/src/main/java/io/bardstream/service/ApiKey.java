package io.bardstream.service;

import jakarta.enterprise.context.ApplicationScoped;
import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * The key that all services share, {@code bardstream.api-key}, and the session that a browser gets for it. A session is made of
 * the key alone, so it holds for every service and ends when the key is changed; it does not tell the key.
 */
@ApplicationScoped
public class ApiKey {
    private static final String HMAC = "HmacSHA256";
    private static final byte[] PURPOSE = "bardstream browser session".getBytes(StandardCharsets.UTF_8);

    private final Optional<byte[]> key;

    ApiKey(@ConfigProperty(name = "bardstream.api-key") Optional<String> key) {
        this.key = key.map(String::strip).filter(text -> !text.isEmpty()).map(ApiKey::bytes);
    }

    /** Whether a key is asked for at all. */
    public boolean isSet() {
        return key.isPresent();
    }

    /** In a time that does not tell how much of it is right. */
    boolean isKey(String given) {
        return given != null && MessageDigest.isEqual(key.orElseThrow(), bytes(given.strip()));
    }

    boolean isSession(String given) {
        return given != null && MessageDigest.isEqual(bytes(session()), bytes(given));
    }

    String session() {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(new SecretKeySpec(key.orElseThrow(), HMAC));
            return HexFormat.of().formatHex(mac.doFinal(PURPOSE));
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("every Java platform has " + HMAC, e);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
