package io.bardstream.corpus;

import io.bardstream.event.Ids;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.service.ApiException;
import io.bardstream.service.BardstreamHome;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.jboss.logging.Logger;

/**
 * The texts on disk, as {@code home/corpora/<sha256>.txt}, and instructions as {@code <sha256>.jsonl}, a conversation a line;
 * the sha256 is of what was sent. A text streams through memory in pieces of 64 KiB and appears
 * under its name only when it is complete, checked and synced; whatever goes wrong before leaves nothing.
 */
@ApplicationScoped
class CorpusFiles {
    /**
     * What is known of a text once all of it has passed by.
     *
     * @param instructions what it held; null where it is running text
     */
    record Text(String sha256, long bytes, long characters, InstructionFile.Result instructions) {}

    /**
     * What a text is to be.
     *
     * @param kind of corpus
     * @param sha256 another content is a 422; null for any
     */
    record Wanted(String kind, OnError onError, String sha256) {
        static Wanted text(String sha256) {
            return new Wanted(Corpus.TEXT, OnError.REFUSE, sha256);
        }
    }

    private static final Logger LOG = Logger.getLogger(CorpusFiles.class);
    private static final int PIECE = 1 << 16;
    private static final String INCOMING = "incoming-";

    private final BardstreamHome home;

    CorpusFiles(BardstreamHome home) {
        this.home = home;
    }

    /** Removes what an upload left that a crash cut short. */
    void clean(@Observes StartupEvent event) throws IOException {
        try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(home.corpora(), INCOMING + "*")) {
            for (Path leftover : leftovers) {
                LOG.infof("Removing %s, an upload that was cut short", leftover.getFileName());
                Files.delete(leftover);
            }
        }
    }

    /**
     * The text of a corpus from its start.
     *
     * @throws InvalidFieldException if someone removed it
     */
    Reader open(Corpus corpus) throws IOException {
        try {
            return Files.newBufferedReader(file(corpus.sha256, corpus.kind), StandardCharsets.UTF_8);
        } catch (NoSuchFileException e) {
            throw new InvalidFieldException(
                    "corpus", "the text of " + corpus.id + " is no longer in bardstream.home/corpora; send it again");
        }
    }

    private Path file(String sha256, String kind) {
        return home.corpora().resolve(sha256 + (kind.equals(Corpus.TEXT) ? ".txt" : ".jsonl"));
    }

    /**
     * Takes a text in.
     *
     * @param field the field of the request that brought it, for errors
     * @param maxBytes a longer text is a 413
     * @throws InvalidFieldException if it is empty or not UTF-8
     * @throws ApiException if it is not what is wanted
     * @throws IOException if the stream breaks off
     */
    Text take(InputStream text, String field, long maxBytes, Wanted wanted) throws IOException {
        Path incoming = create();
        try {
            Text taken = copy(text, incoming, field, maxBytes);
            if (wanted.sha256() != null && !wanted.sha256().equals(taken.sha256())) {
                throw new ApiException(
                        422,
                        "The text has sha256 " + taken.sha256() + ", not the expected " + wanted.sha256()
                                + "; nothing was kept.",
                        "sha256",
                        "sha256_mismatch");
            }
            if (!wanted.kind().equals(Corpus.TEXT)) {
                return conversations(incoming, taken, field, wanted);
            }
            publish(incoming, file(taken.sha256(), Corpus.TEXT));
            return taken;
        } finally {
            Files.deleteIfExists(incoming);
        }
    }

    private Text conversations(Path incoming, Text taken, String field, Wanted wanted) throws IOException {
        Path conversations = create();
        try {
            InstructionFile.Result result;
            try (FileOutputStream file = openForWriting(conversations)) {
                result = InstructionFile.convert(
                        incoming,
                        wanted.kind().equals(Corpus.CLASSIFY) ? Instruction::parseLabelled : Instruction::parse,
                        line -> write(file, line, line.length),
                        wanted.onError(),
                        field);
                sync(file);
            }
            publish(conversations, file(taken.sha256(), wanted.kind()));
            return new Text(taken.sha256(), taken.bytes(), taken.characters(), result);
        } finally {
            Files.deleteIfExists(conversations);
        }
    }

    private Text copy(InputStream text, Path incoming, String field, long maxBytes) throws IOException {
        MessageDigest digest = Ids.sha256();
        Utf8Scan utf8 = new Utf8Scan();
        long bytes = 0;
        try (FileOutputStream file = openForWriting(incoming)) {
            byte[] piece = new byte[PIECE];
            for (int length; (length = text.read(piece)) >= 0; ) {
                bytes += length;
                if (bytes > maxBytes) {
                    throw tooLarge(field, maxBytes);
                }
                if (!utf8.add(piece, length)) {
                    break;
                }
                digest.update(piece, 0, length);
                write(file, piece, length);
            }
            if (utf8.malformedAt().isPresent()) {
                throw new InvalidFieldException(
                        field,
                        "is not UTF-8: no character starts at byte offset "
                                + utf8.malformedAt().getAsLong() + "; convert the text to UTF-8 first");
            }
            if (bytes == 0) {
                throw new InvalidFieldException(field, "is empty; a corpus has at least one character");
            }
            sync(file);
        }
        return new Text(HexFormat.of().formatHex(digest.digest()), bytes, utf8.characters(), null);
    }

    static ApiException tooLarge(String field, long maxBytes) {
        return new ApiException(
                413,
                field + ": is longer than " + maxBytes + " bytes (bardstream.corpora.max-size)",
                field,
                "too_large");
    }

    private Path create() {
        try {
            return Files.createTempFile(home.corpora(), INCOMING, ".part");
        } catch (IOException e) {
            throw cannotKeep(e);
        }
    }

    FileOutputStream openForWriting(Path file) throws IOException {
        return new FileOutputStream(file.toFile());
    }

    private static void write(FileOutputStream file, byte[] piece, int length) {
        try {
            file.write(piece, 0, length);
        } catch (IOException e) {
            throw cannotKeep(e);
        }
    }

    private static void sync(FileOutputStream file) {
        try {
            file.getFD().sync();
        } catch (IOException e) {
            throw cannotKeep(e);
        }
    }

    private static void publish(Path incoming, Path file) {
        try {
            Files.move(incoming, file, StandardCopyOption.ATOMIC_MOVE);
            try (FileChannel folder = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
                folder.force(true);
            }
        } catch (IOException e) {
            throw cannotKeep(e);
        }
    }

    /** 507: the disk is full, or does not take the file for another reason. */
    private static ApiException cannotKeep(IOException e) {
        LOG.error("A corpus could not be written", e);
        return new ApiException(
                507,
                "The text could not be written to disk (" + e.getMessage() + "); nothing was kept. Make room in "
                        + "bardstream.home and send it again.",
                null,
                "storage");
    }
}
