package io.bardstream.event;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * Ids made of what they name: the same content and settings give the same id, so doing a thing twice finds it done.
 */
public final class Ids {
    private static final int HASH_DIGITS = 16;
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:-]{0,127}");

    private Ids() {}

    /** Ids become file names, keys and URLs: letters, digits, and {@code . _ : -}, at most 128, no leading mark. */
    public static boolean isId(String text) {
        return ID.matcher(text).matches();
    }

    /** {@code prefix-} and 16 hexadecimal digits of the sha256 over the parts, each preceded by its length. */
    public static String of(String prefix, Object... parts) {
        MessageDigest digest = sha256();
        for (Object part : parts) {
            byte[] bytes = String.valueOf(part).getBytes(StandardCharsets.UTF_8);
            digest.update(
                    ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
            digest.update(bytes);
        }
        return prefix + "-" + HexFormat.of().formatHex(digest.digest()).substring(0, HASH_DIGITS);
    }

    public static String sha256(byte[] content) {
        return HexFormat.of().formatHex(sha256().digest(content));
    }

    /** A fresh SHA-256, for content that comes in pieces. */
    public static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
