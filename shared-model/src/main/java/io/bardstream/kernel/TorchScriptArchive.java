package io.bardstream.kernel;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * TorchScript source text packed as the archive that {@code torch.jit.load} reads: a zip of the code and a few bytes of
 * pickle. It is made in memory from resources of this code base; no Python runs, and nothing a user brings is ever
 * loaded this way.
 *
 * <p>The source is a list of methods of one module, indented by two spaces, in TorchScript's typed subset of Python.
 * The serialised form knows element types by number and operator namespaces without prefix, so names such as {@code
 * torch.float32} and the prefix {@code torch.ops.} are translated, which keeps the resources ordinary PyTorch.
 */
final class TorchScriptArchive {
    private static final String HEADER = """
            class M(Module):
              __parameters__ = []
              __buffers__ = []
              training : bool
              def none_(self) -> Optional[Tensor]:
                return None
            """;

    private TorchScriptArchive() {}

    static byte[] of(String methods) {
        String code = HEADER
                + methods.replace("torch.ops.", "ops.")
                        .replace("torch.bool", "11")
                        .replace("torch.int32", "3")
                        .replace("torch.int64", "4")
                        .replace("torch.float32", "6")
                        .replace("torch.bfloat16", "15");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            store(zip, "k/data.pkl", emptyModule());
            store(zip, "k/code/__torch__.py", code.getBytes(StandardCharsets.UTF_8));
            store(zip, "k/constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
            store(zip, "k/version", "10\n".getBytes(StandardCharsets.US_ASCII));
            store(zip, "k/byteorder", "little".getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** The pickle of {@code __torch__.M} with its one attribute, {@code training = True}. */
    private static byte[] emptyModule() {
        ByteArrayOutputStream pickle = new ByteArrayOutputStream();
        pickle.writeBytes(new byte[] {(byte) 0x80, 2});
        pickle.writeBytes("c__torch__\nM\n".getBytes(StandardCharsets.US_ASCII));
        pickle.writeBytes(new byte[] {')', (byte) 0x81, '}', '(', 'X', 8, 0, 0, 0});
        pickle.writeBytes("training".getBytes(StandardCharsets.US_ASCII));
        pickle.writeBytes(new byte[] {(byte) 0x88, 'u', 'b', '.'});
        return pickle.toByteArray();
    }

    private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
        CRC32 crc = new CRC32();
        crc.update(content);
        ZipEntry entry = new ZipEntry(name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(content.length);
        entry.setCompressedSize(content.length);
        entry.setCrc(crc.getValue());
        entry.setTime(0);
        zip.putNextEntry(entry);
        zip.write(content);
        zip.closeEntry();
    }
}
