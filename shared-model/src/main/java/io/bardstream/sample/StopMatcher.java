package io.bardstream.sample;

import io.bardstream.event.InvalidFieldException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Lets bytes pass up to the first stop string, wherever the tokens' borders fall. Bytes that may yet turn out to be the
 * beginning of a stop string are held back until that is decided. Where several stop strings end at the same byte, the
 * one that starts first wins.
 */
final class StopMatcher {
    private final List<byte[]> stops;
    private final int longest;
    private byte[] held = new byte[0];
    private boolean stopped;

    StopMatcher(List<String> stops) {
        for (String stop : stops) {
            if (stop.isEmpty()) {
                throw new InvalidFieldException("stop", "holds an empty string; expected some text to stop at");
            }
        }
        this.stops = stops.stream()
                .map(stop -> stop.getBytes(StandardCharsets.UTF_8))
                .toList();
        this.longest = this.stops.stream().mapToInt(stop -> stop.length).max().orElse(0);
    }

    /** Takes the next bytes and returns those that are certainly text before any stop string. */
    byte[] accept(byte[] bytes) {
        if (stopped) {
            return new byte[0];
        }
        ByteArrayOutputStream passed = new ByteArrayOutputStream();
        byte[] window = Arrays.copyOf(held, held.length + bytes.length);
        System.arraycopy(bytes, 0, window, held.length, bytes.length);
        for (int end = held.length + 1; end <= window.length; end++) {
            int start = startOfStopThatEndsAt(window, end);
            if (start >= 0) {
                stopped = true;
                held = new byte[0];
                passed.write(window, 0, start);
                return passed.toByteArray();
            }
        }
        int safe = window.length - lengthOfPossibleBeginning(window);
        held = Arrays.copyOfRange(window, safe, window.length);
        passed.write(window, 0, safe);
        return passed.toByteArray();
    }

    /** A stop string has been met; nothing passes any more. */
    boolean stopped() {
        return stopped;
    }

    /** What was held back, now that nothing can follow that would complete a stop string. */
    byte[] finish() {
        byte[] rest = held;
        held = new byte[0];
        return rest;
    }

    private int startOfStopThatEndsAt(byte[] window, int end) {
        int first = -1;
        for (byte[] stop : stops) {
            int start = end - stop.length;
            if (start >= 0 && Arrays.equals(window, start, end, stop, 0, stop.length)) {
                first = first < 0 ? start : Math.min(first, start);
            }
        }
        return first;
    }

    private int lengthOfPossibleBeginning(byte[] window) {
        for (int length = Math.min(longest - 1, window.length); length > 0; length--) {
            int from = window.length - length;
            for (byte[] stop : stops) {
                if (stop.length > length && Arrays.equals(window, from, window.length, stop, 0, length)) {
                    return length;
                }
            }
        }
        return 0;
    }
}
