package io.bardstream.service;

import io.quarkus.runtime.configuration.MemorySize;
import jakarta.ws.rs.ext.Provider;
import jakarta.ws.rs.ext.ReaderInterceptor;
import jakarta.ws.rs.ext.ReaderInterceptorContext;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Bounds the JSON bodies, which are read into memory. A body that is streamed is bounded by whoever reads it. */
@Provider
public class JsonBodies implements ReaderInterceptor {
    private static final String MAX_SIZE = "bardstream.max-json-size";

    private final long maxBytes;

    JsonBodies(@ConfigProperty(name = MAX_SIZE, defaultValue = "16M") MemorySize maxSize) {
        this.maxBytes = maxSize.asLongValue();
    }

    @Override
    public Object aroundReadFrom(ReaderInterceptorContext context) throws IOException {
        if (context.getType() == InputStream.class) {
            return context.proceed();
        }
        context.setInputStream(bounded(context.getInputStream()));
        return context.proceed();
    }

    /** The body, which fails when more is read of it than allowed. */
    public InputStream bounded(InputStream body) {
        return bounded(body, maxBytes, MAX_SIZE);
    }

    /**
     * A body, which fails when more is read of it than allowed.
     *
     * @param setting the name of the limit
     */
    public static InputStream bounded(InputStream body, long maxBytes, String setting) {
        return new Bounded(body, maxBytes, setting);
    }

    /** Fails when more is read than allowed. */
    private static final class Bounded extends FilterInputStream {
        private final long maxBytes;
        private final String setting;
        private long count;

        Bounded(InputStream in, long maxBytes, String setting) {
            super(in);
            this.setting = setting;
            this.maxBytes = maxBytes;
        }

        @Override
        public int read() throws IOException {
            int b = super.read();
            counted(b < 0 ? 0 : 1);
            return b;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            int read = super.read(into, offset, length);
            counted(Math.max(0, read));
            return read;
        }

        @Override
        public long skip(long wanted) throws IOException {
            long skipped = super.skip(wanted);
            counted(skipped);
            return skipped;
        }

        @Override
        public boolean markSupported() {
            return false;
        }

        private void counted(long bytes) {
            count += bytes;
            if (count > maxBytes) {
                throw new ApiException(
                        413, "body: is longer than " + maxBytes + " bytes (" + setting + ")", "body", "too_large");
            }
        }
    }
}
