package io.bardstream.corpus;

import io.bardstream.service.ApiException;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.SocketAddress;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/**
 * Gets a text from an https address of the public internet, as a stream.
 *
 * <p>A host's name is resolved once, each of its addresses is checked, and the connection goes to the address that was
 * checked, under TLS for the name; so a name that changes its address between check and use gains nothing. Each redirect,
 * at most three, starts over. Not being allowed is a 400, not getting the text a 502 with code {@code url_unreachable}.
 */
@ApplicationScoped
class HttpsDownload {
    /** Where a host's addresses come from. */
    @FunctionalInterface
    interface Resolver {
        InetAddress[] resolve(String host) throws UnknownHostException;
    }

    static final String UNREACHABLE = "url_unreachable";
    static final String NOT_ALLOWED = "url_not_allowed";

    private static final int MAX_REDIRECTS = 3;
    private static final int LONGEST_URL = 2_000;
    private static final int HTTPS = 443;
    private static final int OK = 200;
    private static final List<Integer> REDIRECTS = List.of(301, 302, 303, 307, 308);

    private final HttpClient client;
    private final Resolver resolver;
    private final Predicate<InetAddress> allowed;
    private final Duration connect;
    private final Duration idle;
    private final Duration total;

    @Inject
    HttpsDownload(Vertx vertx, CorpusSettings settings) {
        this(
                vertx.createHttpClient(options()),
                InetAddress::getAllByName,
                PublicAddresses::contain,
                settings.connectTimeout(),
                settings.idleTimeout(),
                settings.downloadTimeout());
    }

    HttpsDownload(
            HttpClient client,
            Resolver resolver,
            Predicate<InetAddress> allowed,
            Duration connect,
            Duration idle,
            Duration total) {
        this.client = client;
        this.resolver = resolver;
        this.allowed = allowed;
        this.connect = connect;
        this.idle = idle;
        this.total = total;
    }

    /** TLS that verifies the host's name; nothing is decompressed, so that sizes are what they seem. */
    static HttpClientOptions options() {
        return new HttpClientOptions()
                .setSsl(true)
                .setVerifyHost(true)
                .setKeepAlive(false)
                .setDecompressionSupported(false);
    }

    /**
     * Opens the text at a URL. Blocks, so not for an event loop. The stream's own failures are an {@link ApiException} too.
     *
     * @param maxBytes a server that announces more is refused at once
     */
    InputStream open(String url, long maxBytes) {
        Deadline deadline = new Deadline(total);
        URI at = parse(url);
        for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
            Body body = get(at, deadline);
            if (!REDIRECTS.contains(body.response.statusCode())) {
                return accepted(at, body, maxBytes);
            }
            String location = body.response.getHeader(HttpHeaders.LOCATION);
            body.close();
            if (location == null) {
                throw unreachable(at, "it redirects, but not where to", null);
            }
            at = redirected(at, location);
        }
        throw unreachable(at, "it redirects more than " + MAX_REDIRECTS + " times", null);
    }

    private static Body accepted(URI at, Body body, long maxBytes) {
        HttpClientResponse response = body.response;
        if (response.statusCode() != OK) {
            body.close();
            throw unreachable(at, "it answers with status " + response.statusCode(), null);
        }
        String encoding = response.getHeader(HttpHeaders.CONTENT_ENCODING);
        if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
            body.close();
            throw unreachable(at, "it answers compressed (" + encoding + "), which was not asked for", null);
        }
        String length = response.getHeader(HttpHeaders.CONTENT_LENGTH);
        if (length != null && Long.parseLong(length) > maxBytes) {
            body.close();
            throw CorpusFiles.tooLarge("url", maxBytes);
        }
        return body;
    }

    /** Tries the host's addresses in turn. One that is silent takes half of the time to connect, so that another gets a chance. */
    private Body get(URI at, Deadline deadline) {
        ApiException last = null;
        Deadline connecting = new Deadline(connect);
        for (InetAddress address : addresses(at)) {
            if (last != null && connecting.passed()) {
                break;
            }
            try {
                return client.request(request(at, address, deadline))
                        .compose(request -> request.send().map(response -> new Body(at, response.pause(), deadline)))
                        .toCompletionStage()
                        .toCompletableFuture()
                        .get(deadline.left(TimeUnit.MILLISECONDS), TimeUnit.MILLISECONDS);
            } catch (ExecutionException e) {
                last = unreachable(at, String.valueOf(e.getCause().getMessage()), e.getCause());
            } catch (TimeoutException e) {
                throw unreachable(at, "it took longer than " + total, e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw unreachable(at, "the service is stopping", e);
            }
        }
        throw last;
    }

    private RequestOptions request(URI at, InetAddress address, Deadline deadline) {
        int port = at.getPort() < 0 ? HTTPS : at.getPort();
        String path = at.getRawPath() == null || at.getRawPath().isEmpty() ? "/" : at.getRawPath();
        return new RequestOptions()
                .setMethod(HttpMethod.GET)
                .setServer(SocketAddress.inetSocketAddress(new InetSocketAddress(address, port)))
                .setHost(host(at))
                .setPort(port)
                .setSsl(true)
                .setURI(at.getRawQuery() == null ? path : path + "?" + at.getRawQuery())
                .setConnectTimeout(Math.max(1, connect.toMillis() / 2))
                .setTimeout(Math.min(idle.toMillis(), deadline.left(TimeUnit.MILLISECONDS)))
                .putHeader(HttpHeaders.USER_AGENT, "bardstream")
                .putHeader(HttpHeaders.ACCEPT, "text/plain, */*;q=0.5")
                .putHeader(HttpHeaders.ACCEPT_ENCODING, "identity");
    }

    /** The host's addresses; every one must be allowed. */
    private InetAddress[] addresses(URI at) {
        InetAddress[] addresses;
        try {
            addresses = resolver.resolve(host(at));
        } catch (UnknownHostException e) {
            throw unreachable(at, "there is no host '" + host(at) + "'", e);
        }
        Arrays.stream(addresses).filter(allowed.negate()).findFirst().ifPresent(address -> {
            throw notAllowed(host(at) + " has the address " + address.getHostAddress()
                    + ", which is not one of the public internet");
        });
        return addresses;
    }

    /** An IPv6 address without its brackets. */
    private static String host(URI at) {
        String host = at.getHost();
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    private static URI parse(String url) {
        if (url.length() > LONGEST_URL) {
            throw notAllowed("it has " + url.length() + " characters; at most " + LONGEST_URL);
        }
        try {
            return checked(new URI(url));
        } catch (URISyntaxException e) {
            throw notAllowed("it is not a URL: " + e.getReason());
        }
    }

    private static URI redirected(URI from, String location) {
        try {
            return checked(from.resolve(new URI(location)));
        } catch (URISyntaxException e) {
            throw unreachable(from, "it redirects to what is not a URL", e);
        }
    }

    private static URI checked(URI url) {
        if (!"https".equalsIgnoreCase(url.getScheme())) {
            throw notAllowed("only https is, not '" + url.getScheme() + "'");
        }
        if (url.getHost() == null) {
            throw notAllowed("it names no host");
        }
        if (url.getUserInfo() != null) {
            throw notAllowed("it carries a user's name");
        }
        return url;
    }

    private static ApiException notAllowed(String reason) {
        return new ApiException(400, "url: this URL is not allowed: " + reason, "url", NOT_ALLOWED);
    }

    private static ApiException unreachable(URI at, String reason, Throwable cause) {
        ApiException e =
                new ApiException(502, "The text at " + at + " cannot be had: " + reason + ".", "url", UNREACHABLE);
        e.initCause(cause);
        return e;
    }

    /** The time by which a download must have ended. */
    private static final class Deadline {
        private final long end;

        Deadline(Duration total) {
            end = System.nanoTime() + total.toNanos();
        }

        /** Time left, at least one unit, so that it is a valid timeout. */
        long left(TimeUnit unit) {
            return Math.max(1, unit.convert(end - System.nanoTime(), TimeUnit.NANOSECONDS));
        }

        boolean passed() {
            return end - System.nanoTime() <= 0;
        }
    }

    /**
     * The response's body for a blocking reader: asks the connection for one buffer at a time. Made on the response's own thread, before
     * anything can follow on the response: a connection that breaks ends it at once.
     */
    private final class Body extends InputStream {
        private final URI at;
        private final HttpClientResponse response;
        private final Deadline deadline;
        private final BlockingQueue<Runnable> arrivals = new LinkedBlockingQueue<>();
        private Buffer current = Buffer.buffer();
        private int position;
        private boolean ended;

        Body(URI at, HttpClientResponse response, Deadline deadline) {
            this.at = at;
            this.response = response;
            this.deadline = deadline;
            response.exceptionHandler(failure -> arrivals.add(() -> {
                throw unreachable(at, String.valueOf(failure.getMessage()), failure);
            }));
            response.handler(buffer -> arrivals.add(() -> {
                current = buffer;
                position = 0;
            }));
            response.endHandler(end -> arrivals.add(() -> ended = true));
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            while (position == current.length()) {
                if (ended) {
                    return -1;
                }
                response.fetch(1);
                next().run();
            }
            int count = Math.min(length, current.length() - position);
            current.getBytes(position, position + count, into, offset);
            position += count;
            return count;
        }

        private Runnable next() {
            if (deadline.passed()) {
                throw unreachable(at, "it took longer than " + total, null);
            }
            try {
                Runnable arrival = arrivals.poll(
                        Math.min(idle.toMillis(), deadline.left(TimeUnit.MILLISECONDS)), TimeUnit.MILLISECONDS);
                if (arrival == null) {
                    throw unreachable(at, "nothing came for " + idle + ", or not all of it within " + total, null);
                }
                return arrival;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw unreachable(at, "the service is stopping", e);
            }
        }

        @Override
        public void close() {
            if (!ended) {
                response.request().reset();
            }
        }
    }
}
