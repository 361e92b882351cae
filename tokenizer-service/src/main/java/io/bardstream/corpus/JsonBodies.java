package io.bardstream.corpus;

import io.bardstream.service.ApiException;
import io.quarkus.runtime.configuration.MemorySize;
import jakarta.ws.rs.ext.Provider;
import jakarta.ws.rs.ext.ReaderInterceptor;
import jakarta.ws.rs.ext.ReaderInterceptorContext;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Bounds the JSON bodies, which are read into memory. Texts, which stream to disk, are bounded by {@link CorpusFiles}.
 */
@Provider
public class JsonBodies implements ReaderInterceptor {
    private final long maxBytes;

    JsonBodies(@ConfigProperty(name = "bardstream.max-json-size", defaultValue = "16M") MemorySize maxSize) {
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
    InputStream bounded(InputStream body) {
        return new Bounded(body, maxBytes);
    }

    /** Fails when more is read than allowed. */
    private static final class Bounded extends FilterInputStream {
        private final long maxBytes;
        private long count;

        Bounded(InputStream in, long maxBytes) {
            super(in);
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
                        413,
                        "body: is longer than " + maxBytes + " bytes (bardstream.max-json-size); send long texts as "
                                + "text/plain to /v1/corpora",
                        "body",
                        "too_large");
            }
        }
    }
}
