package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.bardstream.checkpoint.SafeTensors;
import io.bardstream.checkpoint.SafeTensorsWriter;
import io.bardstream.kernel.Kernels;
import java.io.IOException;
import java.nio.FloatBuffer;

/**
 * Moves float32 arrays between the device and safetensors files in pieces, so that neither heap nor memory holds a
 * second copy of a large one.
 */
public final class TensorBytes {
    private static final int PIECE = 1 << 22; // floats

    private TensorBytes() {}

    /** Fills a contiguous float32 array with a tensor of any floating-point type. */
    public static void read(SafeTensors file, String name, NDArray into, Kernels kernels) throws IOException {
        long size = into.size();
        try (NDArray flat = into.reshape(new Shape(size))) {
            for (long start = 0; start < size; start += PIECE) {
                float[] floats = new float[(int) Math.min(PIECE, size - start)];
                file.readFloats(name, start, FloatBuffer.wrap(floats));
                try (NDArray piece = into.getManager().create(floats);
                        NDArray place = kernels.slice(flat, start, floats.length)) {
                    kernels.copy(place, piece);
                }
            }
        }
    }

    /** Writes a contiguous float32 array. */
    public static void write(NDArray array, SafeTensorsWriter.Sink sink, Kernels kernels) throws IOException {
        long size = array.size();
        try (NDArray flat = array.reshape(new Shape(size))) {
            for (long start = 0; start < size; start += PIECE) {
                try (NDArray piece = kernels.slice(flat, start, Math.min(PIECE, size - start))) {
                    sink.write(piece.toFloatArray());
                }
            }
        }
    }
}
