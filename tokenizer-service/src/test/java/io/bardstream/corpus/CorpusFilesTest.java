package io.bardstream.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bardstream.event.InvalidFieldException;
import io.bardstream.service.ApiException;
import io.bardstream.service.BardstreamHome;
import java.io.ByteArrayInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever goes wrong while a text comes in, it leaves nothing. */
class CorpusFilesTest {
    private static final long LIMIT = 1_000_000;

    @TempDir
    private Path home;

    private BardstreamHome bardstreamHome;

    @BeforeEach
    void home() {
        bardstreamHome = new BardstreamHome(home);
    }

    @Test
    void aTextIsKeptUnderItsSha256() throws IOException {
        CorpusFiles.Text text = take(new CorpusFiles(bardstreamHome), "abc");
        assertThat(text.sha256()).isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assertThat(text.bytes()).isEqualTo(3);
        assertThat(files()).containsExactly(text.sha256() + ".txt");
        assertThat(Files.readString(home.resolve("corpora").resolve(text.sha256() + ".txt")))
                .isEqualTo("abc");
    }

    @Test
    void aFullDiskLeavesNothing() {
        // Given
        CorpusFiles onFullDisk = new CorpusFiles(bardstreamHome) {
            @Override
            FileOutputStream openForWriting(Path file) throws IOException {
                return new FileOutputStream(file.toFile()) {
                    private int written;

                    @Override
                    public void write(byte[] bytes, int offset, int length) throws IOException {
                        super.write(bytes, offset, length / 2);
                        written += length;
                        if (written > 100_000) {
                            throw new IOException("No space left on device");
                        }
                    }
                };
            }
        };

        // When, Then
        assertThatThrownBy(() -> take(onFullDisk, "x".repeat(500_000)))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.status()).isEqualTo(507))
                .hasMessageContaining("No space left on device");
        assertThat(files()).isEmpty();
    }

    @Test
    void aStreamThatBreaksOffLeavesNothing() {
        InputStream broken = new SequenceInputStream(new ByteArrayInputStream(new byte[200_000]), new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("connection reset");
            }
        });
        assertThatThrownBy(() ->
                        new CorpusFiles(bardstreamHome).take(broken, "body", LIMIT, CorpusFiles.Wanted.text(null)))
                .isInstanceOf(IOException.class)
                .hasMessage("connection reset");
        assertThat(files()).isEmpty();
    }

    @Test
    void aTextThatIsTooLongLeavesNothing() throws IOException {
        take(new CorpusFiles(bardstreamHome), "x".repeat((int) LIMIT));
        assertThatThrownBy(() -> take(new CorpusFiles(bardstreamHome), "x".repeat((int) LIMIT + 1)))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.status()).isEqualTo(413));
        assertThat(files()).hasSize(1);
    }

    @Test
    void whatIsNoTextLeavesNothing() {
        byte[] bytes = ("é".repeat(50_000) + "\0").getBytes(StandardCharsets.UTF_8);
        bytes[bytes.length - 1] = (byte) 0xE9;
        assertThatThrownBy(() -> new CorpusFiles(bardstreamHome)
                        .take(new ByteArrayInputStream(bytes), "body", LIMIT, CorpusFiles.Wanted.text(null)))
                .isInstanceOf(InvalidFieldException.class)
                .hasMessageContaining("byte offset 100000");
        assertThat(files()).isEmpty();
    }

    @Test
    void anotherContentThanExpectedLeavesNothing() {
        assertThatThrownBy(() -> new CorpusFiles(bardstreamHome)
                        .take(
                                new ByteArrayInputStream(new byte[] {'a'}),
                                "body",
                                LIMIT,
                                CorpusFiles.Wanted.text("0".repeat(64))))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.status()).isEqualTo(422))
                .hasMessageContaining("0".repeat(64))
                .hasMessageContaining("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
        assertThat(files()).isEmpty();
    }

    @Test
    void whatACrashLeftGoesAtTheNextStart() throws IOException {
        // Given
        CorpusFiles files = new CorpusFiles(bardstreamHome);
        CorpusFiles.Text kept = take(files, "abc");
        Files.writeString(home.resolve("corpora").resolve("incoming-123.part"), "ab");

        // When
        files.clean(null);

        // Then
        assertThat(files()).containsExactly(kept.sha256() + ".txt");
    }

    private static CorpusFiles.Text take(CorpusFiles files, String text) throws IOException {
        return files.take(
                new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)),
                "body",
                LIMIT,
                CorpusFiles.Wanted.text(null));
    }

    private List<String> files() {
        try (Stream<Path> files = Files.list(bardstreamHome.corpora())) {
            return files.map(file -> file.getFileName().toString()).toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
