package io.bardstream.tokenizer;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes {@link Gpt2Vocabulary#RESOURCE} from the token ranks in jtokkit's jar. A rank file names tokens only; the merge
 * that made a token is recovered by merging its bytes with all lower ranks: two parts remain, its halves.
 *
 * <p>{@code main} takes the file to write.
 */
final class Gpt2MergesGenerator {

    private Gpt2MergesGenerator() {}

    public static void main(String[] args) throws IOException {
        Files.write(Path.of(args[0]), generate());
    }

    static byte[] generate() throws IOException {
        Map<String, Integer> ranks = new HashMap<>();
        List<String> tokens = new ArrayList<>();
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                Gpt2MergesGenerator.class.getResourceAsStream("/com/knuddels/jtokkit/r50k_base.tiktoken"),
                StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] parts = line.split(" ", 2);
                // Latin-1, so that a character is a byte.
                String token = new String(Base64.getDecoder().decode(parts[0]), StandardCharsets.ISO_8859_1);
                if (Integer.parseInt(parts[1]) != tokens.size()) {
                    throw new IllegalStateException("Ranks out of order at " + line);
                }
                ranks.put(token, tokens.size());
                tokens.add(token);
            }
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        for (int rank = 256; rank < tokens.size(); rank++) {
            List<String> halves = mergeBelow(tokens.get(rank), rank, ranks);
            if (halves.size() != 2) {
                throw new IllegalStateException("Token " + rank + " falls into " + halves);
            }
            out.writeShort(ranks.get(halves.get(0)));
            out.writeShort(ranks.get(halves.get(1)));
        }
        return bytes.toByteArray();
    }

    private static List<String> mergeBelow(String token, int limit, Map<String, Integer> ranks) {
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < token.length(); i++) {
            parts.add(token.substring(i, i + 1));
        }
        while (true) {
            int best = limit;
            int at = -1;
            for (int i = 0; i + 1 < parts.size(); i++) {
                int rank = ranks.getOrDefault(parts.get(i) + parts.get(i + 1), limit);
                if (rank < best) {
                    best = rank;
                    at = i;
                }
            }
            if (at < 0) {
                return parts;
            }
            parts.set(at, parts.get(at) + parts.remove(at + 1));
        }
    }
}
